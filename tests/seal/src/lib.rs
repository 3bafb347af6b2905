#![doc = include_str!("../README.md")]

mod allowed;
mod command;
mod container;
mod forms;
mod image;
mod report;
mod rights;
mod secrets;

use std::{fmt, path::PathBuf};

use forms::Needles;
pub use report::{Check, Report};

/// Containers, and what is right for them.
pub struct Deployment {
    /// Holds compose.yaml, secrets/ and models/.
    pub folder: PathBuf,
    /// Variables for `docker compose`.
    pub environment: Vec<(String, String)>,
    /// What it is made of.
    pub images: Vec<Image>,
    /// What runs.
    pub services: Vec<Service>,
}

/// An image of the deployment.
pub struct Image {
    /// For the report.
    pub name: String,
    /// With its tag, or `docker save` would take every one.
    pub tag: String,
}

/// What is right for a service, beyond what is right for all.
pub struct Service {
    /// As in compose.yaml.
    pub name: String,
    /// All that is mounted there, beyond what the engine mounts everywhere.
    pub mounts: Vec<(String, Access)>,
    /// How many networks it is in, its own loopback aside.
    pub networks: usize,
}

/// How a mount may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Ro,
    /// Read and written.
    Rw,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ro => "read-only",
            Self::Rw => "writable",
        })
    }
}

impl Deployment {
    /// The stack of this repository, in a checkout of it.
    #[must_use]
    pub fn product(folder: PathBuf, environment: Vec<(String, String)>) -> Self {
        let service = |name: &str, networks, mounts: &[(&str, Access)]| Service {
            name: name.to_owned(),
            mounts: mounts.iter().map(|(path, access)| ((*path).to_owned(), *access)).collect(),
            networks,
        };
        let services = vec![
            service(
                "sidecar",
                0,
                &[
                    ("/models/incoming", Access::Ro),
                    ("/models/store", Access::Rw),
                    ("/run/secrets/catalog_signing_key", Access::Ro),
                ],
            ),
            service(
                "server",
                1,
                &[
                    ("/models/store", Access::Ro),
                    ("/var/lib/linfa-serve", Access::Rw),
                    ("/run/secrets/api_keys", Access::Ro),
                    ("/run/secrets/catalog_public_key", Access::Ro),
                ],
            ),
        ];
        let images = ["linfa-serve", "linfa-sidecar", "linfactl"]
            .map(|name| Image { name: name.to_owned(), tag: format!("{name}:latest") })
            .into();
        Self { folder, environment, images, services }
    }

    /// Looks at everything.
    ///
    /// # Errors
    /// What could not be looked at: that is no "nothing found".
    pub fn check(&self) -> anyhow::Result<Report> {
        let (needles, unsearched) = Needles::new(secrets::of(&self.folder)?)?;
        let mut report = Report::new(unsearched);
        for image in &self.images {
            image::look(image, &needles, &mut report)?;
        }
        let config = command::stdout(self.compose().args(["--profile", "*", "config"]))?;
        let place = [(String::new(), config)];
        report.row(
            Check::ComposeConfig,
            "compose.yaml",
            1,
            allowed::search(&needles, Check::ComposeConfig, &place),
        );
        for (service, container) in self.services.iter().zip(container::of(self)?) {
            container.search(&needles, &mut report);
            rights::look(service, &container, &mut report)?;
        }
        Ok(report)
    }

    fn compose(&self) -> std::process::Command {
        let mut command = std::process::Command::new("docker");
        command.arg("compose").current_dir(&self.folder).envs(self.environment.iter().cloned());
        command
    }
}
