//! Between the messages of the wire and our own types. The only file that sees both; it decides nothing.

use artifact::{
    Feature, FeatureKind, Output, Predictions,
    feature::{Statistics, Unknown},
};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    error::{Reason, ServeError},
    pb,
    registry::{Choice, Loaded, Model, Snapshot, Standing},
    tensor::{NamedColumn, Rows, refuse},
};

/// What a request asks for.
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) choice: Choice,
    pub(crate) input: Option<pb::predict_request::Input>,
}

impl From<pb::PredictRequest> for Asked {
    fn from(request: pb::PredictRequest) -> Self {
        let choice = match request.choice {
            None => Choice::Default,
            Some(pb::predict_request::Choice::Version(version)) => Choice::Version(version),
            Some(pb::predict_request::Choice::Label(label)) => Choice::Label(label),
        };
        Self { model: request.model, choice, input: request.input }
    }
}

/// The rows of a request, whichever way they are encoded.
pub(crate) fn rows(input: Option<pb::predict_request::Input>) -> Result<Rows, ServeError> {
    match input {
        None => refuse(Reason::InputMissing, "input", "expected a matrix or a frame, got neither"),
        Some(pb::predict_request::Input::Matrix(matrix)) => matrix_rows(matrix),
        Some(pb::predict_request::Input::Frame(frame)) => Ok(Rows::Frame(
            frame
                .columns
                .into_iter()
                .map(|column| NamedColumn { name: column.name, values: column.values, texts: column.texts })
                .collect(),
        )),
    }
}

fn matrix_rows(matrix: pb::Matrix) -> Result<Rows, ServeError> {
    let used = [!matrix.values.is_empty(), !matrix.f32_le.is_empty(), !matrix.f64_le.is_empty()];
    if used.into_iter().filter(|used| *used).count() > 1 {
        let said = "expected one of values, f32_le and f64_le, got more than one";
        return refuse(Reason::EncodingAmbiguous, "matrix", said);
    }
    let (field, values) = match used {
        [_, true, _] => {
            ("f32_le", numbers("matrix.f32_le", &matrix.f32_le, |word| f32::from_le_bytes(word).into())?)
        }
        [_, _, true] => ("f64_le", numbers("matrix.f64_le", &matrix.f64_le, f64::from_le_bytes)?),
        _ => ("values", matrix.values),
    };
    // A width beyond memory is just as wrong as any other.
    let columns = usize::try_from(matrix.columns).unwrap_or(usize::MAX);
    Ok(Rows::Matrix { field, columns, values })
}

fn numbers<const N: usize>(
    field: &str,
    bytes: &Bytes,
    number: fn([u8; N]) -> f64,
) -> Result<Vec<f64>, ServeError> {
    let (words, torn) = bytes.as_chunks::<N>();
    if torn.is_empty() {
        return Ok(words.iter().map(|word| number(*word)).collect());
    }
    refuse(Reason::BytesTorn, field, format!("{} bytes do not form numbers of {N} bytes", bytes.len()))
}

/// The answer of `loaded`.
pub(crate) fn answer(loaded: &Loaded, predictions: Predictions) -> pb::PredictResponse {
    use pb::predict_response::Prediction;

    let (scores, choices) = predictions.into_parts();
    let prediction = match &loaded.model.manifest().output {
        Output::Classification { .. } => Prediction::Classification(pb::Classification {
            // Proven at load: a step has as many classes as the manifest names.
            labels: choices.iter().map(|class| loaded.texts.classes[*class as usize].clone()).collect(),
            classes: loaded.texts.classes.clone(),
            probabilities: scores,
        }),
        Output::Regression { targets } => {
            Prediction::Regression(pb::Regression { values: scores, targets: targets.clone() })
        }
        Output::Clustering { .. } => {
            let (distances, probabilities) =
                if loaded.model.is_mixture() { (Vec::new(), scores) } else { (scores, Vec::new()) };
            Prediction::Clustering(pb::Clustering { cluster: choices, distances, probabilities })
        }
        Output::Transformation { names } => {
            Prediction::Transformation(pb::Transformation { values: scores, names: names.clone() })
        }
    };
    let model = pb::ModelRef {
        name: loaded.texts.name.clone(),
        version: loaded.version.get(),
        digest: loaded.texts.digest.clone(),
    };
    pb::PredictResponse { model: Some(model), prediction: Some(prediction) }
}

/// The catalog behind a snapshot.
pub(crate) fn catalog(snapshot: &Snapshot) -> Option<pb::Catalog> {
    let error = snapshot.error.clone().unwrap_or_default();
    match &snapshot.catalog {
        None if error.is_empty() => None,
        None => Some(pb::Catalog { error, ..pb::Catalog::default() }),
        Some(catalog) => Some(pb::Catalog {
            sequence: catalog.sequence,
            issued_at: Some(moment(catalog.issued_at)),
            notes: catalog.notes.clone(),
            error,
            expires_at: Some(catalog.expires_at).filter(|end| *end != Timestamp::MAX).map(moment),
            epoch: catalog.epoch,
            stale: snapshot.stale,
        }),
    }
}

fn moment(moment: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: moment.as_second(), nanos: moment.subsec_nanosecond() }
}

/// One model as it stands.
pub(crate) fn model(model: &Model) -> pb::Model {
    let entry = &model.entry;
    pb::Model {
        name: entry.name.to_string(),
        default_version: model.default.map_or(0, artifact::Version::get),
        labels: entry.labels.iter().map(|(label, version)| (label.to_string(), version.get())).collect(),
        versions: entry.versions.iter().map(|version| self::version(model, version)).collect(),
        policy_error: entry.policy_error.clone().unwrap_or_default(),
        notes: entry.notes.clone(),
    }
}

fn version(model: &Model, entry: &artifact::catalog::CatalogVersion) -> pb::ModelVersion {
    use pb::model_version::State;

    let standing = model.standing(entry);
    let failure = match &standing {
        Standing::Failed(failure) => Some(failure.refusal.clone()),
        _ => None,
    };
    let state = match standing {
        Standing::Pending => State::Pending,
        Standing::Incomplete => State::Incomplete,
        Standing::Rejected => State::Rejected,
        Standing::Admitted => State::Admitted,
        Standing::Serving(_) => State::Serving,
        Standing::Failed(_) => State::Failed,
        Standing::Withdrawn => State::Withdrawn,
    };
    pb::ModelVersion {
        version: entry.version.get(),
        digest: entry.digest.map(|digest| digest.to_string()).unwrap_or_default(),
        state: state.into(),
        refusal: failure
            .or_else(|| entry.refusal.clone())
            .map(|refusal| pb::Refusal { check: refusal.check, reason: refusal.reason }),
        checks: entry
            .checks
            .iter()
            .map(|check| pb::Check {
                name: check.name.clone(),
                passed: check.passed,
                detail: check.detail.clone(),
            })
            .collect(),
        signature: model.loaded.get(&entry.version).map(|loaded| signature(loaded)),
        signer: entry.signer.map(|key| key.to_string()).unwrap_or_default(),
    }
}

fn signature(loaded: &Loaded) -> pb::Signature {
    let manifest = loaded.model.manifest();
    pb::Signature {
        inputs: manifest.inputs.iter().map(feature).collect(),
        task: manifest.output.task().to_owned(),
        outputs: manifest.output.names(),
        steps: manifest.steps.iter().map(|step| step.kind().to_owned()).collect(),
    }
}

fn feature(Feature { name, kind }: &Feature) -> pb::Feature {
    use pb::feature::Kind;

    let told = |kind: Kind, Statistics { min, max, mean, std, .. }| pb::Feature {
        kind: kind.into(),
        min,
        max,
        mean,
        std,
        ..pb::Feature::default()
    };
    let feature = match kind {
        FeatureKind::Number { statistics, .. } => told(Kind::Number, *statistics),
        FeatureKind::Text { lengths } => told(Kind::Text, *lengths),
        FeatureKind::Category(category) => pb::Feature {
            categories: category.categories.clone(),
            unknown: category.unknown == Unknown::Ignore,
            ..told(Kind::Category, Statistics::default())
        },
    };
    pb::Feature { name: name.clone(), missing: kind.may_be_missing(), ..feature }
}
