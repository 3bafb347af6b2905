//! The algorithms that can be trained. A new one is a type here with its hyper-parameters as flags and a `fit`, and one line in
//! `algorithms!`. `linfactl train --algorithm NAME --help` shows the flags of that one.

use std::{ffi::OsString, fmt};

use anyhow::Context as _;
use artifact::fitted::Fitted;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValue};

use super::{columns::Encode, split::Part};

/// What a model is to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Two classes.
    Binary,
    /// Two classes or more.
    Classification,
    /// A number, or several where the algorithm can.
    Regression,
    /// Groups that nobody named.
    Clustering,
    /// Whether a row is like those seen.
    Novelty,
    /// Other columns.
    Transformation,
}

/// The hyper-parameters of an algorithm.
pub(crate) trait Fit: fmt::Debug {
    /// What it learns.
    fn task(&self) -> Task;

    /// How categories become numbers unless the flags say it. Another way than the first suits what has no answer where columns
    /// are sums of others.
    fn encode(&self) -> Encode {
        Encode::OneHot
    }

    /// Lets linfa fit it.
    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>>;
}

/// The rows to fit, and what makes the fit repeatable.
#[derive(Debug)]
pub(crate) struct Lesson<'a> {
    pub(crate) part: &'a Part,
    pub(crate) seed: u64,
}

/// An algorithm with its hyper-parameters.
#[derive(Debug)]
pub(crate) struct Algorithm {
    entry: &'static Entry,
    fit: Box<dyn Fit>,
    /// The hyper-parameters as they were given or by default; none where there is no value.
    values: Vec<(String, Option<String>)>,
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    about: &'static str,
    flags: fn(Command) -> Command,
    parse: fn(&ArgMatches) -> Result<Box<dyn Fit>, clap::Error>,
}

macro_rules! algorithms {
    ($(#[doc = $about:literal] $name:literal => $module:ident::$Type:ident,)*) => {
        const ALL: &[Entry] = &[$(Entry {
            name: $name,
            about: $about,
            flags: <$module::$Type as Args>::augment_args,
            parse: |matches| Ok(Box::new($module::$Type::from_arg_matches(matches)?)),
        },)*];
    };
}

mod decision_tree;
mod elastic_net;
mod forest;
mod ftrl;
mod gaussian_mixture;
mod isotonic_regression;
mod kmeans;
mod lars;
mod linear_regression;
mod logistic_regression;
mod naive_bayes;
mod pls;
mod projection;
mod scaler;
mod svm;
mod tweedie;

algorithms! {
    /// Ordinary least squares: a number as a weighted sum of the features
    "linear-regression" => linear_regression::LinearRegression,
    /// Least squares with a penalty on the weights' sizes and on their squares
    "elastic-net" => elastic_net::ElasticNet,
    /// Least squares with a penalty on the weights' sizes: few features are left
    "lasso" => elastic_net::Lasso,
    /// Least squares with a penalty on the weights' squares
    "ridge" => elastic_net::Ridge,
    /// An elastic net of several targets, which share their features
    "multi-task-elastic-net" => elastic_net::MultiTaskElasticNet,
    /// Least angle regression: features are taken in as they tell most
    "lars" => lars::Lars,
    /// Partial least squares of one target or several, by few components of the features
    "pls" => pls::Pls,
    /// A generalized linear model of a number whose variance is a power of its mean
    "tweedie" => tweedie::Tweedie,
    /// A generalized linear model of counts
    "poisson" => tweedie::Poisson,
    /// A generalized linear model of a number above 0 that spreads as it grows
    "gamma" => tweedie::Gamma,
    /// A number that only rises or only falls with one feature
    "isotonic-regression" => isotonic_regression::IsotonicRegression,
    /// Two classes by a weighted sum of the features
    "logistic-regression" => logistic_regression::LogisticRegression,
    /// Two or more classes by a weighted sum each
    "multinomial-logistic-regression" => logistic_regression::MultinomialLogisticRegression,
    /// Two or more classes by their likeness to some of the rows
    "svm" => svm::Svm,
    /// A number by its row's likeness to some of the rows
    "svr" => svm::Svr,
    /// Whether a row is like those seen (inlier) or not (outlier); takes no target
    "one-class-svm" => svm::OneClassSvm,
    /// Two classes by a weighted sum without an intercept, learnt row by row (follow the regularised leader)
    "ftrl" => ftrl::Ftrl,
    /// Groups of rows that lie close together; takes no target
    "kmeans" => kmeans::KMeans,
    /// Classes by questions about one feature at a time; linfa fits another tree each time, whatever the seed
    "decision-tree" => decision_tree::DecisionTree,
    /// Classes by the votes of trees that each saw some rows and some features
    "random-forest" => forest::RandomForest,
    /// Classes by the votes of trees that each saw some rows
    "bagging" => forest::Bagging,
    /// Classes by the votes of small trees, each of which attends to what those before it got wrong
    "adaboost" => forest::AdaBoost,
    /// Each feature with mean 0 and standard deviation 1; takes no target
    "standard-scaler" => scaler::StandardScaler,
    /// Each feature from 0 to 1, or in another range; takes no target
    "min-max-scaler" => scaler::MinMaxScaler,
    /// Each feature from -1 to 1, zero staying zero; takes no target
    "max-abs-scaler" => scaler::MaxAbsScaler,
    /// Each row divided by its length; takes no target
    "norm-scaler" => scaler::NormScaler,
    /// The directions in which rows differ most; takes no target
    "pca" => projection::Pca,
    /// Signals that were mixed; takes no target
    "fast-ica" => projection::FastIca,
    /// Columns of variance 1 without correlation; takes no target
    "whitening" => projection::Whitening,
    /// Directions drawn at random, which keep distances nearly; takes no target
    "random-projection" => projection::RandomProjection,
    /// The same with most weights zero; takes no target
    "sparse-random-projection" => projection::SparseRandomProjection,
    /// Classes by a bell curve for each feature
    "gaussian-nb" => naive_bayes::GaussianNb,
    /// Classes by how often each feature is counted
    "multinomial-nb" => naive_bayes::MultinomialNb,
    /// Classes by which features are there
    "bernoulli-nb" => naive_bayes::BernoulliNb,
    /// Groups of any shape and size, with the probability of each; takes no target
    "gaussian-mixture" => gaussian_mixture::GaussianMixture,
}

/// `train` with the flags of the algorithm that the arguments name, if they name one.
pub(crate) fn add_flags(train: Command, arguments: impl IntoIterator<Item = OsString>) -> Command {
    let arguments: Vec<_> =
        arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let after = |pair: &[String]| (pair[0] == "--algorithm").then(|| pair[1].clone());
    let within = |argument: &String| argument.strip_prefix("--algorithm=").map(str::to_owned);
    let name = arguments.windows(2).find_map(after).or_else(|| arguments.iter().find_map(within));
    let Some(entry) = name.and_then(|name| ALL.iter().find(|entry| entry.name == name)) else {
        return train;
    };
    let arguments = entry.arguments().into_iter();
    train.args(arguments.map(|argument| argument.help_heading("Hyper-parameters of the algorithm")))
}

impl Entry {
    /// The flags, as clap knows them.
    fn arguments(&self) -> Vec<Arg> {
        (self.flags)(Command::new(self.name)).get_arguments().cloned().collect()
    }

    fn algorithm(&'static self, matches: &ArgMatches) -> Result<Algorithm, clap::Error> {
        let values = self.arguments().into_iter().map(|argument| {
            let raw = matches.get_raw(argument.get_id().as_str());
            let raw =
                raw.map(|values| values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(","));
            (argument.get_long().unwrap_or_default().to_owned(), raw)
        });
        Ok(Algorithm { entry: self, fit: (self.parse)(matches)?, values: values.collect() })
    }
}

impl Algorithm {
    /// Its name on the command line.
    pub(crate) fn name(&self) -> &'static str {
        self.entry.name
    }

    /// What it learns.
    pub(crate) fn task(&self) -> Task {
        self.fit.task()
    }

    /// How categories become numbers unless the flags say it.
    pub(crate) fn encode(&self) -> Encode {
        self.fit.encode()
    }

    /// The hyper-parameters as they are.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or("none")))
    }

    /// The same with other values of some hyper-parameters.
    pub(crate) fn with(&self, others: &[(&str, &str)]) -> anyhow::Result<Self> {
        for (name, _) in others {
            let known = self.values.iter().any(|(other, _)| other == name);
            anyhow::ensure!(known, "{} has no --{name}", self.name());
        }
        let switches: Vec<_> = self.entry.arguments().into_iter().filter(is_switch).collect();
        let mut arguments = Vec::new();
        for (name, value) in &self.values {
            let other = others.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
            let Some(value) = other.or(value.as_deref()) else { continue };
            match switches.iter().any(|switch| switch.get_long() == Some(name)) {
                false => arguments.push(format!("--{name}={value}")),
                true if value == "true" => arguments.push(format!("--{name}")),
                true => {}
            }
        }
        let command = (self.entry.flags)(Command::new(self.name())).no_binary_name(true);
        let matches = command.try_get_matches_from(arguments)?;
        Ok(self.entry.algorithm(&matches)?)
    }

    /// Lets linfa fit it.
    pub(crate) fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        self.fit.fit(lesson).with_context(|| self.name())
    }
}

/// Whether the flag stands alone, without a value.
fn is_switch(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::SetTrue)
}

impl Args for Algorithm {
    fn augment_args(command: Command) -> Command {
        let names = ALL.iter().map(|entry| PossibleValue::new(entry.name).help(entry.about.trim()));
        command.arg(
            Arg::new("algorithm")
                .long("algorithm")
                .value_name("NAME")
                .required(true)
                .value_parser(names.collect::<Vec<_>>())
                .help("What to fit; with --help: what it can be told"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Algorithm {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let name = matches.get_one::<String>("algorithm");
        let entry = name.and_then(|name| ALL.iter().find(|entry| entry.name == name));
        match entry {
            Some(entry) => entry.algorithm(matches),
            None => Err(clap::Error::new(clap::error::ErrorKind::MissingRequiredArgument)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
