//! Our runtime against linfa's own predict: one module per kind of step. Models are fitted by linfa on random data,
//! exported, written as files and loaded from them, as in production.

mod agreement;
mod decision_tree;
mod kmeans;
mod linear_regression;
mod logistic_regression;
mod multinomial_logistic_regression;
mod standard_scaler;
mod voting_forest;
