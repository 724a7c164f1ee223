//! Checks of what is claimed about the verifier beside its speed.
//!
//! | folder | claims |
//! |---|---|
//! | `vectors` | every variant decides as was recorded |
//! | `hostile` | the dearest token of a length costs no more than is said |
//! | `timing` | the time of verifying tells no secret |

pub mod hostile;
pub mod timing;
pub mod vectors;
