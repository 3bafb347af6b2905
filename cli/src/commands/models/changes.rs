//! What changes of the models, a line for each thing that is not as it was.

use std::collections::BTreeMap;

use client::pb::{Catalog, ListModelsResponse, Model};
use jiff::Timestamp;

use super::{labels, state, why};

/// What there is to say, by what it is said of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said(BTreeMap<String, String>);

impl Said {
    pub(super) fn of(listed: &ListModelsResponse) -> Self {
        let mut said: BTreeMap<_, _> = listed.models.iter().flat_map(of_model).collect();
        said.extend(listed.catalog.as_ref().map(of_catalog).into_iter().flatten());
        Self(said)
    }

    /// A line for each thing that is new or not as it was `before`, and for each that is gone.
    pub(super) fn since(&self, before: &Self, now: Timestamp) -> Vec<String> {
        let Self(said) = self;
        let news = said.iter().filter(|(what, words)| before.0.get(*what) != Some(words));
        let gone = before.0.keys().filter(|what| !said.contains_key(*what));
        let news = news.map(|(what, words)| format!("{now:.0} {what}: {words}"));
        news.chain(gone.map(|what| format!("{now:.0} {what}: gone"))).collect()
    }
}

fn of_model(model: &Model) -> Vec<(String, String)> {
    let name = &model.name;
    let mut said = vec![
        (format!("{name} policy.toml"), if_any(&model.policy_error, "in force", "not in force: ")),
        (format!("{name} notes"), if_any(&model.notes.join("; "), "none", "")),
    ];
    said.extend(model.versions.iter().map(|version| {
        let mut words = state(version).to_owned();
        let labels = labels(model, version.version);
        if !labels.is_empty() {
            words += &format!(" ({})", labels.join(", "));
        }
        (format!("{name} {}", version.version), words + &if_any(&why(version), "", ": "))
    }));
    said
}

fn of_catalog(catalog: &Catalog) -> [(String, String); 3] {
    let age = if catalog.stale { "stale: it has expired, and no newer one came" } else { "fresh" };
    [
        ("catalog".to_owned(), age.to_owned()),
        ("catalog file".to_owned(), if_any(&catalog.error, "in force", "not in force: ")),
        ("catalog notes".to_owned(), if_any(&catalog.notes.join("; "), "none", "")),
    ]
}

fn if_any(text: &str, none: &str, before: &str) -> String {
    if text.is_empty() { none.to_owned() } else { format!("{before}{text}") }
}

#[cfg(test)]
mod tests {
    use client::pb::model_version::State;

    use super::{
        super::tests::{listed, version},
        *,
    };

    #[test]
    fn only_what_is_not_as_it_was_has_a_line() {
        let before = Said::of(&listed());
        let mut listed = listed();
        assert_eq!(Said::of(&listed).since(&before, Timestamp::UNIX_EPOCH), [""; 0]);

        let iris = &mut listed.models[0];
        iris.default_version = 4;
        iris.versions.remove(0);
        iris.labels.remove("stable");
        iris.versions.push(version(4, State::Serving, None));
        iris.policy_error.clear();
        let catalog = listed.catalog.as_mut().unwrap();
        (catalog.sequence, catalog.stale) = (18, true);
        let lines = Said::of(&listed).since(&before, Timestamp::UNIX_EPOCH).join("\n");
        insta::assert_snapshot!(lines, @r"
        1970-01-01T00:00:00Z catalog: stale: it has expired, and no newer one came
        1970-01-01T00:00:00Z iris 2: serving (blue, canary)
        1970-01-01T00:00:00Z iris 4: serving (default)
        1970-01-01T00:00:00Z iris policy.toml: in force
        1970-01-01T00:00:00Z iris 1: gone
        ");
    }
}
