//! ron-auth's lab: runs every variant of the verifier side by side, proves first that they decide alike, measures them
//! against each other with `fairbench`, and says what to run in production.
//!
//! | room | holds |
//! |---|---|
//! | [`cli`], [`cmd`] | the command line; one file per subcommand, to be read top to bottom; what fairbench is taught |
//! | [`own`] | this very program: what it was built from, where it is run, its threads, the programs beside it |
//! | [`catalogue`] | what can be measured, by name, and what this build cannot |
//! | [`corpus`] | the tokens: fixtures, or a service's own |
//! | [`floor`] | the least work that verifying can be |
//! | [`assurance`] | what is claimed beside speed: recorded decisions, the dearest token, timing without secrets |
//! | [`sweep`] | many cells, in blocks: checked, timed, counted; stored sweeps |
//! | [`run`] | what a sweep measured, raw, and what can be read off it: effects of seams, a line of history |
//! | [`recommend`] | what to run in production |
//! | [`profile`] | where the time goes |
//! | [`tripwire`] | limits that no change may cross |
//! | [`report`] | how it is shown |
#![forbid(unsafe_code)]

pub mod assurance;
pub mod catalogue;
pub mod cli;
pub mod cmd;
pub mod corpus;
pub mod floor;
pub mod own;
pub mod profile;
pub mod recommend;
pub mod report;
pub mod run;
pub mod sweep;
pub mod tripwire;

#[cfg(test)]
pub(crate) mod test_data;
