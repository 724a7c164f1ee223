use std::any::Any;
use std::cell::RefCell;

use ron_auth_core::seam::{Reuse, ScratchPolicy};

/// One scratch per thread and engine type, kept from call to call unless it has grown too large.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadLocalScratch;

impl ThreadLocalScratch {
    /// The most memory that a thread keeps of an engine's scratch, in bytes; one that has grown beyond is given back
    /// after the call. Whatever was sent and whatever the limits are, a thread holds no more than this between calls.
    ///
    /// A chunk of 128 of the longest tokens that the default limits permit stays below it, so that only limits that
    /// were raised, or tokens that were made for it, cost a call its memory.
    pub const MOST_KEPT_BYTES: usize = 2 << 20;
}

thread_local! {
    /// The scratches that are not in use. A service has one engine, so one element; a lab that runs several engines
    /// on a thread has one for each.
    static IDLE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

impl ScratchPolicy for ThreadLocalScratch {
    fn with<S: Reuse, R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        // Taken out while in use: a call from inside `work` finds none and makes its own, and if `work` panics,
        // what it leaves behind is dropped with it.
        let mut scratch = take().unwrap_or_default();
        let result = work(&mut scratch);
        put_back(scratch);
        result
    }
}

fn take<S: 'static>() -> Option<Box<S>> {
    // While a thread ends its locals may be gone already: then every call has a scratch of its own.
    IDLE.try_with(|idle| {
        let mut idle = idle.try_borrow_mut().ok()?;
        let place = idle.iter().position(|scratch| scratch.is::<S>())?;
        idle.swap_remove(place).downcast().ok()
    })
    .ok()
    .flatten()
}

fn put_back<S: Reuse>(mut scratch: Box<S>) {
    if scratch.reset() > ThreadLocalScratch::MOST_KEPT_BYTES {
        return;
    }
    let _ = IDLE.try_with(|idle| {
        // After nested calls there may be one already; one is enough.
        if let Ok(mut idle) = idle.try_borrow_mut()
            && !idle.iter().any(|other| other.is::<S>())
        {
            idle.push(scratch);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Bytes(Vec<u8>);

    impl Reuse for Bytes {
        fn reset(&mut self) -> usize {
            self.0.clear();
            self.0.capacity()
        }
    }

    #[derive(Default)]
    struct Other(Bytes);

    impl Reuse for Other {
        fn reset(&mut self) -> usize {
            self.0.reset()
        }
    }

    #[test]
    fn memory_is_kept_from_call_to_call() {
        ThreadLocalScratch.with(|scratch: &mut Bytes| scratch.0.reserve(1000));
        assert!(ThreadLocalScratch.with(|scratch: &mut Bytes| scratch.0.capacity()) >= 1000);
        assert_eq!(ThreadLocalScratch.with(|scratch: &mut Other| scratch.0.0.capacity()), 0);
    }

    #[test]
    fn what_is_kept_is_bounded_and_empty() {
        const MOST: usize = ThreadLocalScratch::MOST_KEPT_BYTES;
        for (bytes, kept) in [(1000, 1000), (MOST, MOST), (MOST + 1, 0), (10, 10), (100 * MOST, 0)] {
            ThreadLocalScratch.with(|scratch: &mut Bytes| {
                scratch.0 = Vec::with_capacity(bytes);
                scratch.0.push(1);
            });
            ThreadLocalScratch.with(|scratch: &mut Bytes| {
                assert_eq!((scratch.0.capacity(), scratch.0.len()), (kept, 0), "after {bytes}");
            });
        }
    }

    #[test]
    fn a_call_within_a_call_has_its_own_scratch() {
        ThreadLocalScratch.with(|outer: &mut Bytes| {
            outer.0.push(1);
            ThreadLocalScratch.with(|inner: &mut Bytes| assert!(inner.0.is_empty()));
            assert_eq!(outer.0, [1]);
        });
    }

    #[test]
    fn a_panic_inside_costs_the_scratch_and_nothing_else() {
        let caught = std::panic::catch_unwind(|| ThreadLocalScratch.with(|_: &mut Bytes| panic!("handler")));
        assert!(caught.is_err());
        ThreadLocalScratch.with(|scratch: &mut Bytes| assert!(scratch.0.is_empty()));
    }
}
