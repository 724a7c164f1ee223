//! What calls that have returned leave on the stack.

use zeroize::optimization_barrier;

/// Deeper than a MAC of any engine reaches.
const DEPTH_BYTES: usize = 8 << 10;

/// Overwrites the frames of calls that have returned, below the caller's own.
///
/// Bytes left there don't only wait for the next deep call. A value that is moved takes the bytes between its fields
/// along, so what lies where a result is put together gets into whatever memory the result is kept in.
#[cold]
#[inline(never)]
pub(crate) fn wipe_below() {
    let frames = [0_u8; DEPTH_BYTES];
    optimization_barrier(&frames);
}
