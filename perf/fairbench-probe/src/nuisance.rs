//! Code that nobody calls, there for a test of the gate: `fairbench selftest` builds one probe with it and one without.
//! Both do the same, but all code behind this lies elsewhere, as after any change to a program. A gate that takes the
//! one for slower than the other raises false alarms.

/// A reference that keeps the function in the program.
#[used]
static NEVER_CALLED: fn(u64) -> u64 = never_called;

/// Repeats what is given eight times.
macro_rules! eight {
    ($($step:tt)*) => { $($step)* $($step)* $($step)* $($step)* $($step)* $($step)* $($step)* $($step)* };
}

/// Some KiB of instructions that no optimiser can shorten.
#[inline(never)]
fn never_called(seed: u64) -> u64 {
    let mut state = seed;
    eight! { eight! { eight! {
        state = (state ^ (state >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(13);
    } } }
    state
}

/// The address of the function, so that linkers that know nothing of `#[used]` keep it too.
#[must_use]
pub fn address() -> usize {
    std::hint::black_box(NEVER_CALLED) as usize
}
