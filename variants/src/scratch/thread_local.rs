use std::any::Any;
use std::cell::RefCell;

use ron_auth_core::seam::ScratchPolicy;

/// One scratch per thread and engine type, kept from call to call.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadLocalScratch;

thread_local! {
    /// The scratches that are not in use. A service has one engine, so one element; a lab that runs several engines
    /// on a thread has one for each.
    static IDLE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

impl ScratchPolicy for ThreadLocalScratch {
    fn with<S: Default + Send + 'static, R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
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

fn put_back<S: 'static>(scratch: Box<S>) {
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

    #[test]
    fn memory_is_kept_from_call_to_call() {
        ThreadLocalScratch.with(|scratch: &mut Vec<u8>| scratch.reserve(1000));
        assert!(ThreadLocalScratch.with(|scratch: &mut Vec<u8>| scratch.capacity()) >= 1000);
        assert_eq!(ThreadLocalScratch.with(|scratch: &mut Vec<u16>| scratch.capacity()), 0);
    }

    #[test]
    fn a_call_within_a_call_has_its_own_scratch() {
        ThreadLocalScratch.with(|outer: &mut Vec<u8>| {
            outer.push(1);
            ThreadLocalScratch.with(|inner: &mut Vec<u8>| assert!(inner.is_empty()));
            assert_eq!(outer, &[1]);
        });
    }

    #[test]
    fn a_panic_inside_costs_the_scratch_and_nothing_else() {
        let caught = std::panic::catch_unwind(|| ThreadLocalScratch.with(|_: &mut String| panic!("handler")));
        assert!(caught.is_err());
        ThreadLocalScratch.with(|scratch: &mut String| assert!(scratch.is_empty()));
    }
}
