//! Comparing two programs honestly, on a machine that cannot be trusted.
//!
//! Two runs of the *same* program, taken one after the other on a shared machine, differ by more than 5 % most of the
//! time. Most of that comes from where each process happens to sit, on which core and at which addresses. So the noise
//! cannot be waited out by measuring longer; it has to be made equal for both sides, or be drawn anew so often that it
//! averages out. This is what the chapters do, in reading order:
//!
//! | chapter | says |
//! |---|---|
//! | [`runner`] | what is asked of a program that is to be compared |
//! | [`layout`] | where a process lies, drawn on purpose |
//! | [`group`] | turns of well under a millisecond, in shuffled rounds |
//! | [`panel`] | any number of fresh processes in turns, in blocks, until it is enough |
//! | [`block`] | one fresh process per role: the unit of the statistics |
//! | [`engine`] | blocks, until the question is answered or the time is up |
//! | [`decide`] | what so many blocks allow to be claimed, and how sure that is |
//! | [`spent`], [`unseen`] | what the clock does not see: waiting, and other threads' work |
//! | [`evidence`] | time beside exact counts: is it the code, or where the code lies? |
//!
//! In every block the base runs twice, once as itself and once as the *control*. The control takes the candidate's path
//! through everything; if it comes out different from the base, so might any candidate, and no verdict is given.
//!
//! Where nothing is to be gated (other libraries, the floor, many variants) a panel is all that is needed; it brings
//! its own controls along.
//!
//! Nothing here knows what is measured. A probe process fills the two traits of [`runner`]; so does a simulation with a
//! known truth, which is how all of this is tested.

pub mod block;
mod clock;
pub mod decide;
pub mod engine;
pub mod evidence;
pub mod group;
pub mod layout;
pub mod panel;
pub mod runner;
#[cfg(test)]
pub(crate) mod simulated;
pub mod spent;
pub mod unseen;
