//! What the suites say of the cases, and the table of it: a line for each case, a column for each suite.

use std::{fmt, time::Duration};

/// What one client says of the cases.
#[derive(Debug)]
pub struct Report {
    suite: String,
    /// From its start to its end, also what it compiles.
    took: Duration,
    ended_well: bool,
    /// Each case by its name, in the file's order; none of which it said nothing.
    cases: Vec<(String, Option<Case>)>,
}

/// Of several suites, of the same cases.
#[derive(Debug)]
pub struct Reports(pub Vec<Report>);

/// What one client says of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    name: String,
    millis: u64,
    /// Why it does not hold.
    failure: Option<String>,
}

impl Report {
    /// What a suite `said` of the cases of these `names`.
    pub(crate) fn new(
        suite: &str,
        took: Duration,
        ended_well: bool,
        names: Vec<String>,
        said: Vec<Case>,
    ) -> Self {
        let of = |name: &String| said.iter().find(|case| case.name == *name).cloned();
        let cases = names.into_iter().map(|name| (name.clone(), of(&name))).collect();
        Self { suite: suite.to_owned(), took, ended_well, cases }
    }

    /// Whether every case was run and holds.
    pub fn holds(&self) -> bool {
        self.ended_well && self.holding() == self.cases.len()
    }

    fn holding(&self) -> usize {
        self.said().filter(|case| case.failure.is_none()).count()
    }

    fn said(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter_map(|(_, case)| case.as_ref())
    }
}

impl Case {
    /// From a line `contract NAME ok MILLIS`, or `contract NAME failed MILLIS WHY`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("contract ")?.splitn(4, ' ');
        let (name, verdict) = (words.next()?.to_owned(), words.next()?);
        let millis = words.next()?.parse().ok()?;
        let why = words.next().unwrap_or_default().to_owned();
        let failure = match verdict {
            "ok" => None,
            "failed" => Some(why),
            _ => return None,
        };
        Some(Self { name, millis, failure })
    }
}

/// How many hold, and why the others do not.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} of {} hold", self.suite, self.holding(), self.cases.len())?;
        for (name, case) in &self.cases {
            match case {
                None => writeln!(f, "  {name} was not run")?,
                Some(Case { failure: Some(why), .. }) => writeln!(f, "  {name}: {why}")?,
                Some(Case { failure: None, .. }) => {}
            }
        }
        if !self.ended_well {
            writeln!(f, "  the suite ended with an error")?;
        }
        Ok(())
    }
}

impl Reports {
    /// Whether every case of every suite was run and holds.
    pub fn holds(&self) -> bool {
        self.0.iter().all(Report::holds)
    }
}

/// The milliseconds that each case took.
impl fmt::Display for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(reports) = self;
        let mut line = |head: &str, cell: &dyn Fn(&Report) -> String| {
            write!(f, "{head:<18}")?;
            for report in reports {
                write!(f, " {:>w$}", cell(report), w = report.suite.len().max(8))?;
            }
            writeln!(f)
        };
        line("ms", &|report| report.suite.clone())?;
        for (at, (name, _)) in reports.first().iter().flat_map(|report| report.cases.iter().enumerate()) {
            line(name, &|report| match report.cases.get(at) {
                Some((_, Some(Case { failure: None, millis, .. }))) => millis.to_string(),
                Some((_, Some(_))) => "failed".to_owned(),
                _ => "-".to_owned(),
            })?;
        }
        line("all cases", &|report| report.said().map(|case| case.millis).sum::<u64>().to_string())?;
        line("start to end", &|report| report.took.as_millis().to_string())?;
        line("cases that hold", &|report| format!("{} of {}", report.holding(), report.cases.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(millis: u64, failure: Option<&str>) -> Case {
        Case { name: "list".to_owned(), millis, failure: failure.map(str::to_owned) }
    }

    fn report(suite: &str, said: Vec<Case>) -> Report {
        let names = ["list", "watch"].map(str::to_owned).to_vec();
        Report::new(suite, Duration::from_secs(1), true, names, said)
    }

    #[test]
    fn a_line_of_a_suite_tells_of_one_case() {
        assert_eq!(Case::parse("contract list ok 12"), Some(case(12, None)));
        let why = "version 1: expected 3, got 4";
        assert_eq!(Case::parse(&format!("contract list failed 12 {why}")), Some(case(12, Some(why))));
        for other in ["contract list", "contract list fine 12", "list ok 12", "contract list ok soon"] {
            assert_eq!(Case::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_case_that_was_not_run_or_failed_does_not_hold() {
        let watch = Case { name: "watch".to_owned(), ..case(3, None) };
        let whole = report("whole", vec![case(12, None), watch.clone()]);
        let some = report("some", vec![case(12, None)]);
        let bad = report("bad", vec![case(12, Some("3 is not 4")), watch]);
        assert_eq!([&whole, &some, &bad].map(Report::holds), [true, false, false]);
        assert_eq!(some.to_string(), "some: 1 of 2 hold\n  watch was not run\n");
        assert_eq!(bad.to_string(), "bad: 1 of 2 hold\n  list: 3 is not 4\n");
        let table = "\
ms                    whole     some      bad
list                     12       12   failed
watch                     3        -        3
all cases                15       12       15
start to end           1000     1000     1000
cases that hold      2 of 2   1 of 2   1 of 2
";
        assert_eq!(Reports(vec![whole, some, bad]).to_string(), table);
    }
}
