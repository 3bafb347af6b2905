//! Parameters of support vector machines that are spoilt on purpose: what changes an answer is caught by the comparison
//! with linfa, what no machine can have is refused by name.

use artifact::{
    Batch, Exported, Output, PredictError, Predictions,
    ndarray::{Array1, array},
    steps::{
        Kernel,
        svm_classifier::{Choice, SvmClassifier},
        svm_regressor::SvmRegressor,
    },
    testkit::{f64s, matrix, u32s},
};
use linfa::{
    Dataset,
    traits::{Fit as _, Predict as _},
};
use linfa_svm::Svm;

use super::{
    agreement::{Case, Expected, classes, exported, fixed_data},
    svm::scaled,
};

/// A Gaussian machine for numbers.
fn regressor() -> Case {
    let data = scaled(fixed_data());
    let targets = Array1::from_vec(data.marks.clone());
    let params = Svm::<f64, f64>::params().gaussian_kernel(2.5).c_svr(1.0, Some(0.01));
    let model = params.fit(&Dataset::new(data.train, targets)).unwrap();
    let answers = model.predict(&data.asked);
    Case {
        step: exported(&model),
        output: Output::Regression { targets: vec!["y".to_owned()] },
        asked: data.asked,
        expected: answers.iter().map(|y| Expected { scores: vec![(*y, 1e-12)], choice: None }).collect(),
    }
}

/// By hand: three machines, for three classes, over two support vectors.
fn by_hand(kernel: Kernel, choice: Choice) -> Case {
    let mut step = Exported::new(
        SvmClassifier { kernel, choice },
        [
            ("support_vectors", matrix([[0.0, 0.0], [1.0, 1.0]])),
            ("coefficients", matrix([[1.0, -1.0], [-1.0, 1.0], [0.5, 0.5]])),
            ("intercepts", f64s([0.0, 0.0, -0.5])),
        ],
    );
    if choice == Choice::Probability {
        step.tensors.push(("platt".to_owned(), matrix([[-1.0, 0.0]; 3])));
    }
    Case { step, output: classes(3), asked: array![[0.0, 0.0]], expected: Vec::new() }
}

const GAUSSIAN: Kernel = Kernel::Gaussian { gamma: 0.5 };

#[test]
fn a_wrong_vector_or_weight_is_caught() {
    let case = regressor();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("support_vectors")[0] += 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("coefficients").swap(0, 1)).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("intercepts")[0] *= -1.0).unwrap_err();
    // What linfa calls eps is 1 / gamma.
    let step = SvmRegressor { kernel: Kernel::Gaussian { gamma: 2.5 } };
    let wrong = Case { step: Exported { spec: step.into(), ..case.step.clone() }, ..case };
    wrong.check(&wrong.load()).unwrap_err();
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    by_hand(GAUSSIAN, Choice::Probability).refuses(
        "svm_classifier",
        &[
            (|tensors| tensors.remove("support_vectors"), "tensor `0.support_vectors` is missing"),
            (|tensors| tensors.remove("platt"), "tensor `0.platt` is missing"),
            (|tensors| tensors.set("gamma", f64s([1.0])), "tensor `0.gamma` belongs to no step"),
            (
                |tensors| tensors.set("support_vectors", matrix([[0.0; 3]; 2])),
                "tensor `0.support_vectors` has the shape [2, 3], expected rows of 2",
            ),
            (
                |tensors| tensors.set("support_vectors", f64s([0.0; 4])),
                "tensor `0.support_vectors` has the shape [4], expected rows of 2",
            ),
            (
                |tensors| tensors.numbers("support_vectors")[3] = f64::NAN,
                "tensor `0.support_vectors`, value 3: NaN is not finite",
            ),
            (
                |tensors| tensors.set("support_vectors", matrix([[0.0; 2]; 3])),
                "tensor `0.coefficients` has the shape [3, 2], expected [3, 3]",
            ),
            (
                |tensors| tensors.set("coefficients", matrix([[1.0, 1.0]])),
                "tensor `0.coefficients` has the shape [1, 2], expected [3, 2]",
            ),
            (
                |tensors| tensors.set("coefficients", u32s([1; 6])),
                "tensor `0.coefficients` has the shape [6], expected [3, 2]",
            ),
            (
                |tensors| tensors.numbers("coefficients")[5] = f64::INFINITY,
                "tensor `0.coefficients`, value 5: inf is not finite",
            ),
            (
                |tensors| tensors.set("intercepts", f64s([0.0])),
                "tensor `0.intercepts` has the shape [1], expected [3]",
            ),
            (
                |tensors| tensors.set("intercepts", u32s([0; 3])),
                "tensor `0.intercepts` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.set("platt", matrix([[1.0; 3]; 3])),
                "tensor `0.platt` has the shape [3, 3], expected [3, 2]",
            ),
            (
                |tensors| tensors.numbers("platt")[1] = f64::NEG_INFINITY,
                "tensor `0.platt`, value 1: -inf is not finite",
            ),
        ],
    );
    // A linear machine has summed its vectors up, and votes need no probabilities.
    by_hand(Kernel::Linear, Choice::Probability)
        .refuses("linear svm_classifier", &[(|_| (), "tensor `0.support_vectors` belongs to no step")]);
    by_hand(GAUSSIAN, Choice::Votes).refuses(
        "svm_classifier by votes",
        &[(|tensors| tensors.set("platt", matrix([[-1.0, 0.0]; 3])), "tensor `0.platt` belongs to no step")],
    );
}

#[test]
fn hostile_kernels_are_refused_by_name() {
    let polynomial = |degree| Kernel::Polynomial { gamma: 1.0, constant: 1.0, degree };
    for (kernel, sentence) in [
        (Kernel::Gaussian { gamma: 0.0 }, "step 0: `gamma` is 0, expected greater than zero"),
        (Kernel::Gaussian { gamma: -1.0 }, "step 0: `gamma` is -1, expected greater than zero"),
        (polynomial(2.5), "step 0: `degree` is 2.5, expected a whole number from 0 to 1023"),
        (polynomial(-1.0), "step 0: `degree` is -1, expected a whole number from 0 to 1023"),
        (polynomial(1024.0), "step 0: `degree` is 1024, expected a whole number from 0 to 1023"),
    ] {
        by_hand(kernel.clone(), Choice::Probability).refuses("svm_classifier", &[(|_| (), sentence)]);
    }
}

#[test]
fn a_decision_that_overflows_is_no_class() {
    let kernel = Kernel::Polynomial { gamma: 1.0, constant: 0.0, degree: 301.0 };
    let batch = Batch::new(vec![1.0, 1.0, -1e10, 1e9], 2).unwrap();
    for choice in [Choice::Decision, Choice::Votes, Choice::Probability] {
        let model = by_hand(kernel.clone(), choice).load();
        let refused = model.predict(&batch, &mut Predictions::default()).unwrap_err();
        let expected = PredictError::NotFinite { row: 1, step: 0, kind: "svm_classifier" };
        assert_eq!(refused, expected, "{choice:?}");
    }
}

#[test]
fn far_from_every_class_the_probabilities_sum_to_one() {
    // Every kernel value is 0, and 1 / (1 + exp(2000)) is 0 as well: divided by their sum, that would be NaN.
    let case = by_hand(GAUSSIAN, Choice::Probability);
    let (third, sum) = (0.5_f64.exp(), 2.0 + 0.5_f64.exp());
    let scores = [1.0 / sum, 1.0 / sum, third / sum].map(|p| (p, 1e-12)).to_vec();
    let far =
        Case { asked: array![[1e6, 1e6]], expected: vec![Expected { scores, choice: Some(2) }], ..case };
    far.check_spoilt(|tensors| {
        tensors.set("platt", matrix([[-1.0, 2000.0], [-1.0, 2000.0], [-1.0, 1999.0]]))
    })
    .unwrap();
}
