//! Latency, schema and quality: what policy.toml requires beyond soundness, against what serves.

use artifact::{
    Artifact, Cell, Exported, GoldenRow, Output,
    catalog::Status,
    steps::{kmeans::KMeans, logistic_regression::LogisticRegression},
    tensors::{Tensor, Values},
    testkit::{self, f64s},
};

use crate::bench::Bench;

/// `yes` where 2x > y - `intercept`.
fn binary(intercept: f64) -> Artifact {
    let mut pack = testkit::binary("a");
    pack.steps = vec![Exported::new(
        LogisticRegression {},
        [("coefficients", f64s([2.0, -1.0])), ("intercept", f64s([intercept]))],
    )];
    for row in &mut pack.golden {
        let [x, y] = [0, 1].map(|place| row.input[place].number().unwrap());
        let score = 2.0 * x - y + intercept;
        row.choice = Some(u32::from(score > 0.0));
        row.scores = vec![1.0 / (1.0 + score.exp()), score.exp() / (1.0 + score.exp())];
    }
    pack
}

/// The rows that `binary(0.5)` gets all right, and `binary(-0.5)` three of four.
const KINDS: &str = "kind,x,y\nyes,0,0\nyes,1,1\nno,0,3\nno,0,1\n";

/// So many clusters in a row.
fn clusters(count: u32) -> Artifact {
    let mut pack = testkit::clusters("a");
    let centroids: Vec<_> = (0..count).flat_map(|cluster| [10.0 * f64::from(cluster), 0.0]).collect();
    pack.golden = (0..count)
        .map(|cluster| GoldenRow {
            input: [10.0 * f64::from(cluster), 0.0].map(Cell::from).to_vec(),
            choice: Some(cluster),
            scores: Vec::new(),
            tolerance: 0.0,
        })
        .collect();
    let centroids = Tensor { shape: vec![count as usize, 2], values: Values::F64(centroids) };
    pack.steps = vec![Exported::new(KMeans::default(), [("centroids", centroids)])];
    pack.output = Output::Clustering { clusters: count as usize };
    pack
}

impl Bench {
    /// Version 1 of `a` serves; the policy is in force.
    fn serves(pack: &Artifact, policy: &str) -> Self {
        let mut bench = Self::new();
        bench.drop("a/1", pack);
        bench.settle();
        assert_eq!(bench.serving("a"), [1]);
        bench.write("a/policy.toml", policy);
        bench.settle();
        assert_eq!(bench.model("a").policy_error, None);
        bench
    }

    /// Drops version 2 of `a` and says what becomes of it: the detail of a check, or the refusal.
    fn judges(&mut self, pack: &Artifact, check: &str) -> Result<String, String> {
        self.drop("a/2", pack);
        self.settle();
        match self.status("a", 2) {
            Status::Admitted => Ok(self.detail("a", 2, check)),
            _ => Err(self.refusal("a", 2)),
        }
    }
}

#[test]
fn a_version_that_is_slower_than_the_policy_allows_is_refused_and_the_figures_are_told() {
    let relative = "breaking = true\n[require.latency]\ntimes_serving = 8";
    assert_eq!(
        Bench::serves(&clusters(2), relative).judges(&clusters(2000), "latency").unwrap_err(),
        "latency: a row takes # ns, # times the # ns of version #; policy.toml allows # times (times_serving)"
    );
    let figures = "# ns per row, # times the # ns of version #";
    assert_eq!(Bench::serves(&clusters(2000), relative).judges(&clusters(2), "latency").unwrap(), figures);
    assert_eq!(
        Bench::serves(&clusters(2), "breaking = true").judges(&clusters(2000), "latency").unwrap(),
        figures,
        "nothing is required"
    );

    let absolute = |budget: &str| format!("[require.latency]\nbudget_ns_per_row = {budget}");
    assert_eq!(
        Bench::serves(&clusters(2), &absolute("0.001")).judges(&clusters(2), "latency").unwrap_err(),
        "latency: a row takes # ns, policy.toml allows # (budget_ns_per_row)"
    );
    assert_eq!(
        Bench::serves(&clusters(2), &absolute("10_000_000_000")).judges(&clusters(2), "latency").unwrap(),
        figures
    );
}

#[test]
fn a_version_that_takes_or_gives_something_else_is_refused_unless_the_policy_says_breaking() {
    let linear = || testkit::linear("a", 2.0);
    let edited = |edit: fn(&mut Artifact)| {
        let mut pack = linear();
        edit(&mut pack);
        pack
    };
    let targets = |pack: &mut Artifact| pack.output = Output::Regression { targets: vec!["price".into()] };
    let allows = "`breaking = true` in policy.toml allows that";
    for (pack, reason) in [
        (edited(|pack| pack.inputs.swap(0, 1)), "number 1 of its features is `y`, in version 1 it is `x`"),
        (edited(targets), "number 1 of its targets is `price`, in version 1 it is `value`"),
        (binary(0.5), "it answers a classification, version 1 a regression"),
    ] {
        assert_eq!(
            Bench::serves(&linear(), "").judges(&pack, "schema").unwrap_err(),
            format!("schema: {reason}; {allows}")
        );
        for policy in ["breaking = true", "[require]\nschema = false"] {
            assert_eq!(
                Bench::serves(&linear(), policy).judges(&pack, "schema").unwrap(),
                format!("{reason}, which policy.toml allows")
            );
        }
    }
    assert_eq!(
        Bench::serves(&clusters(2), "").judges(&clusters(3), "schema").unwrap_err(),
        format!("schema: it has 3 clusters, version 1 has 2; {allows}")
    );
    assert_eq!(Bench::serves(&linear(), "").judges(&linear(), "schema").unwrap(), "as version 1");
}

#[test]
fn a_version_that_answers_worse_than_the_serving_one_is_refused_beyond_the_margin() {
    let mut bench = Bench::serves(&binary(0.5), "[require.quality]\nmetric = \"accuracy\"\nmargin = 0.2");
    bench.write("a/evaluation.csv", KINDS);
    assert_eq!(
        bench.judges(&binary(-0.5), "quality").unwrap_err(),
        "quality: accuracy is 0.75 on evaluation.csv, 0.25 worse than the 1 of version 1; policy.toml allows 0.2 (margin)"
    );
    assert_eq!(bench.serving("a"), [1]);
    // These figures and those below are what scikit-learn 1.9.1 gives for the same answers.
    let figures = "4 rows: accuracy 0.75, log_loss 0.419829, macro_f1 0.733333; version 1: accuracy 1, log_loss 0.307114, \
                   macro_f1 1";
    bench.write("a/policy.toml", "[require.quality]\nmargin = 0.25");
    bench.settle();
    assert_eq!(bench.detail("a", 2, "quality"), figures, "the policy changed, the bytes did not");

    let mut bench = Bench::serves(&binary(0.5), "");
    bench.write("a/evaluation.csv", KINDS);
    assert_eq!(bench.judges(&binary(-0.5), "quality").unwrap(), figures, "nothing is required");
}

#[test]
fn every_metric_can_be_required() {
    let required = |metric: &str| format!("[require.quality]\nmetric = \"{metric}\"");
    let worse = |serving: &Artifact, pack: &Artifact, metric: &str, rows: &str| {
        let mut bench = Bench::serves(serving, &required(metric));
        bench.write("a/evaluation.csv", rows);
        bench.judges(pack, "quality").unwrap_err()
    };
    let (good, bad) = (binary(0.5), binary(-0.5));
    assert_eq!(
        worse(&good, &bad, "log_loss", KINDS),
        "quality: log_loss is 0.419829 on evaluation.csv, 0.112715 worse than the 0.307114 of version 1; policy.toml allows 0 \
         (margin)"
    );
    assert_eq!(
        worse(&good, &bad, "macro_f1", KINDS),
        "quality: macro_f1 is 0.733333 on evaluation.csv, 0.266667 worse than the 1 of version 1; policy.toml allows 0 \
         (margin)"
    );
    // True are 2x + y + 1; the candidate is off by x.
    let values = "x,y,value\n1,0,3\n2,0,5\n3,1,8\n";
    let (good, bad) = (testkit::linear("a", 2.0), testkit::linear("a", 3.0));
    assert_eq!(
        worse(&good, &bad, "rmse", values),
        "quality: rmse is 2.16025 on evaluation.csv, 2.16025 worse than the 0 of version 1; policy.toml allows 0 (margin)"
    );
    assert_eq!(
        worse(&good, &bad, "r2", values),
        "quality: r2 is -0.105263 on evaluation.csv, 1.10526 worse than the 1 of version 1; policy.toml allows 0 (margin)"
    );
    // Two groups that version 1 tells apart and the candidate cuts across.
    let (good, mut bad) = (testkit::clusters("a"), testkit::clusters("a"));
    let centroids = [[-1.0, 0.0], [1.0, 0.0], [1000.0, 0.0]];
    bad.steps = vec![Exported::new(KMeans::default(), [("centroids", testkit::matrix(centroids))])];
    let row = |x: f64, cluster| GoldenRow {
        input: [x, 0.0].map(Cell::from).to_vec(),
        choice: Some(cluster),
        scores: vec![],
        tolerance: 0.0,
    };
    bad.golden = vec![row(-5.0, 0), row(5.0, 1), row(2000.0, 2)];
    assert_eq!(
        worse(&good, &bad, "silhouette", "x,y\n-1,0\n1,0\n-1,10\n1,10\n"),
        "quality: silhouette is -0.390098 on evaluation.csv, 1.19206 worse than the 0.801961 of version 1; policy.toml \
         allows 0 (margin)"
    );
}

#[test]
fn a_bound_holds_without_a_serving_version_and_for_one_that_is_as_good() {
    for (pack, policy, reason) in [
        (
            binary(-0.5),
            "at_least = 0.8",
            "accuracy is 0.75 on evaluation.csv, policy.toml asks for at least 0.8",
        ),
        (
            binary(0.5),
            "metric = \"log_loss\"\nat_most = 0.3",
            "log_loss is 0.307114 on evaluation.csv, policy.toml asks for at most 0.3",
        ),
    ] {
        let mut bench = Bench::new();
        fs_err::create_dir(bench.folder("a")).unwrap();
        bench.write("a/policy.toml", format!("[require.quality]\n{policy}"));
        bench.write("a/evaluation.csv", KINDS);
        assert_eq!(bench.judges(&pack, "quality").unwrap_err(), format!("quality: {reason}"));
    }
    let mut bench = Bench::new();
    fs_err::create_dir(bench.folder("a")).unwrap();
    bench.write("a/policy.toml", "[require.quality]\nat_least = 0.75");
    bench.write("a/evaluation.csv", KINDS);
    assert_eq!(
        bench.judges(&binary(-0.5), "quality").unwrap(),
        "4 rows: accuracy 0.75, log_loss 0.419829, macro_f1 0.733333"
    );
}

#[test]
fn a_metric_that_the_model_does_not_have_is_a_refusal() {
    let judged = |pack: &Artifact, policy: &str, rows: &str| {
        let mut bench = Bench::serves(pack, policy);
        bench.write("a/evaluation.csv", rows);
        bench.judges(pack, "quality").unwrap_err()
    };
    assert_eq!(
        judged(&testkit::linear("a", 2.0), "[require.quality]\nmetric = \"accuracy\"", "x,y,value\n1,1,1\n"),
        "quality: a regression has no accuracy"
    );
    assert_eq!(
        judged(&testkit::tree("a"), "[require.quality]\nmetric = \"log_loss\"", "x,y,kind\n1,1,low\n"),
        "quality: log_loss is not defined: the model gives no probabilities"
    );
    assert_eq!(
        judged(&testkit::clusters("a"), "[require.quality]\nmargin = 0", "x,y\n1,1\n0,1\n"),
        "quality: silhouette is not defined: all rows are of one cluster"
    );
}

#[test]
fn a_model_that_fails_on_the_evaluation_set_is_refused_by_the_row() {
    let mut bench = Bench::serves(&testkit::linear("a", 1.0), "[require.quality]\nmargin = 9");
    bench.write("a/evaluation.csv", "x,y,value\n1,1,1\n1e308,0,2\n");
    assert_eq!(
        bench.judges(&testkit::linear("a", 2.0), "quality").unwrap_err(),
        "quality: row 2 of evaluation.csv: the result of step 0 (`linear_regression`) is not finite"
    );
}

#[test]
fn what_the_serving_version_cannot_answer_is_no_hindrance() {
    let mut renamed = testkit::linear("a", 2.0);
    renamed.inputs[1].name = "z".to_owned();
    let mut bench = Bench::serves(
        &testkit::linear("a", 2.0),
        "breaking = true\n[require.quality]\nmetric = \"rmse\"\nmargin = 0",
    );
    bench.write("a/evaluation.csv", "x,z,value\n1,1,5\n2,2,7\n");
    assert_eq!(
        bench.judges(&renamed, "quality").unwrap(),
        "2 rows: r2 0.5, rmse 0.707107; version 1 has none: evaluation.csv: there is no column `y`; there are x, z, value"
    );
}

#[test]
fn a_serving_version_whose_blobs_are_damaged_is_not_compared_with() {
    let mut bench = Bench::serves(&testkit::linear("a", 2.0), "");
    let blob = bench.blob("a", 1, "model.safetensors");
    fs_err::set_permissions(&blob, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs_err::write(blob, "x").unwrap();
    assert_eq!(bench.judges(&testkit::tree("a"), "schema").unwrap(), "no earlier version to compare with");
}

/// The shipped model on the data that it was trained on. The figures are what scikit-learn 1.9.1 gives for the
/// probabilities that the tensors come to by numpy.
#[test]
fn the_figures_of_a_trained_model_are_those_of_scikit_learn() {
    let mut bench = Bench::new();
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    fs_err::create_dir_all(bench.folder("iris/1")).unwrap();
    for file in ["golden.jsonl", "model.safetensors", "manifest.json"] {
        let from = models.join("iris/1").join(file);
        fs_err::copy(from, bench.folder("iris/1").join(file)).unwrap();
    }
    bench.write("iris/evaluation.csv", fs_err::read(models.join("iris.csv")).unwrap());
    bench.settle();
    assert_eq!(
        bench.detail("iris", 1, "quality"),
        "150 rows: accuracy 0.96, log_loss 0.142863, macro_f1 0.96"
    );
}

#[test]
fn a_version_is_compared_with_the_one_that_it_would_take_over_from() {
    // 3 and 2 wait together. The newest is judged first, against 1; then 2, which 3 has overtaken, against nothing.
    let mut bench = Bench::serves(&testkit::linear("a", 2.0), "breaking = true");
    bench.drop("a/2", &testkit::linear("a", 2.0));
    bench.drop("a/3", &testkit::tree("a"));
    bench.look_times(3);
    assert_eq!(bench.serving("a"), [3]);
    assert_eq!(
        bench.detail("a", 3, "schema"),
        "it answers a classification, version 1 a regression, which policy.toml allows"
    );
    assert_eq!(bench.detail("a", 2, "schema"), "no earlier version to compare with");
}
