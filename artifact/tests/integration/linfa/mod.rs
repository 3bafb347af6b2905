//! Our runtime against linfa's own predict: one module per kind of step. Models are fitted by linfa on random data,
//! exported, written as files and loaded from them, as in production.

mod agreement;
mod decision_tree;
mod gaussian_mixture;
mod generalized_linear_model;
mod isotonic_regression;
mod kmeans;
mod linear_projection;
mod linear_regression;
mod logistic_regression;
mod multinomial_logistic_regression;
mod naive_bayes;
mod norm_scaler;
mod standard_scaler;
mod svm;
mod svm_spoilt;
mod voting_forest;
mod words;
