//! The gate, tested through its front door: real patches of the source, each committed and gated.
//!
//! [`selftest`](super) injects its slow-downs inside the probe, behind every build, and so cannot see a gate that
//! measures another program than the one that was changed. Here each trial begins with a change of the source. A
//! patch of `must-catch/` makes a gated benchmark 8 to 15 % slower and must be caught; one of `must-not-alarm/` is what
//! somebody commits every day and must stay quiet. Each is applied in several
//! [ways](Way) and judged by this very program, started as `gate`, in a repository of its own below the state
//! directory.
//!
//! | file | holds |
//! |---|---|
//! | `patch` | the patches: their headers, how they are applied |
//! | `way` | the ways of applying, and which trials a run consists of |
//! | `git` | git, undisturbed by whatever the user's shell or a hook has set |
//! | `ground` | where it is played out: copies of the tree that come and go |
//! | `gate` | the gate as a child process, and what it said |
//! | `trial` | what is kept of a trial, and what its gate's answer makes of it |
//! | `journal` | the file that keeps trials |
//! | `summary` | totals, table, exit code |

mod gate;
mod git;
mod ground;
pub mod journal;
pub mod patch;
pub mod summary;
pub mod trial;
pub mod way;

pub use ground::Ground;
pub use way::Way;
