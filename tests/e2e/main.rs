//! The product as people run it: containers, volumes, secrets, the Makefile and the README, driven from outside by
//! the `docker` command and one gRPC client. Every test has a copy of the repository, a compose project and a port of
//! its own, and leaves nothing behind.

#[cfg(test)]
mod caller;
#[cfg(test)]
mod command;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod states;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod containers;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod models;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod runbook;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod survival;
#[cfg(test)]
mod unwritable;
