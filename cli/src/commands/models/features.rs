//! What the versions that serve take: a line for each feature.

use client::pb::{Feature, ListModelsResponse, feature::Kind};

use crate::commands::table;

/// The most categories of a feature that are shown; the JSON has all of them.
const SHOWN: usize = 20;

/// A table of them, if any version serves.
pub(super) fn features(listed: &ListModelsResponse) -> String {
    let versions = listed.models.iter().flat_map(|model| &model.versions);
    let features = versions.flat_map(|version| {
        let inputs = version.signature.iter().flat_map(|signature| &signature.inputs);
        inputs.map(|feature| {
            let missing = if feature.missing { "yes" } else { "no" };
            let [version, missing] = [version.version.to_string(), missing.to_owned()];
            vec![version, feature.name.clone(), kind(feature).to_owned(), missing, values(feature)]
        })
    });
    let rows: Vec<_> = features.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("\n{}\n", table(["VERSION", "FEATURE", "KIND", "MAY BE MISSING", "VALUES"], rows))
}

/// The kind's name, as it stands in the manifest.
pub(super) fn kind(feature: &Feature) -> &'static str {
    match feature.kind() {
        Kind::Unspecified => "unknown",
        Kind::Number => "number",
        Kind::Category => "category",
        Kind::Text => "text",
    }
}

/// What they were in training.
fn values(feature: &Feature) -> String {
    let Feature { min, max, mean, categories, .. } = feature;
    match feature.kind() {
        Kind::Unspecified => String::new(),
        Kind::Number => format!("{min} to {max}, {mean:.4} in the mean"),
        Kind::Text => format!("{min} to {max} characters, {mean:.0} in the mean"),
        Kind::Category => {
            let mut text = categories.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            if let Some(more @ 1..) = categories.len().checked_sub(SHOWN) {
                text += &format!(" and {more} more");
            }
            if feature.unknown {
                text += "; any other text, too";
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::listed, *};

    #[test]
    fn people_read_what_each_feature_is() {
        insta::assert_snapshot!(features(&listed()), @r"
        VERSION  FEATURE  KIND      MAY BE MISSING  VALUES
        2        length   number    no              4.3 to 7.9, 5.8433 in the mean
        2        site     category  yes             garden, wild; any other text, too
        2        note     text      yes             0 to 120 characters, 31 in the mean
        ");
        let mut many = listed();
        let signature = many.models[0].versions[1].signature.as_mut().unwrap();
        signature.inputs[1].categories = (0..23).map(|category| format!("c{category}")).collect();
        let last = features(&many).lines().nth(3).map(str::to_owned);
        let shown = (0..20).map(|category| format!("c{category}")).collect::<Vec<_>>().join(", ");
        assert!(last.is_some_and(|line| line.ends_with(&format!("{shown} and 3 more; any other text, too"))));
    }
}
