/// Where the memory comes from that a verification works in.
pub trait ScratchPolicy: Send + Sync + 'static {
    /// Lends a scratch for the time of one call.
    ///
    /// May be called again from inside `work` (a key provider or a caveat handler may verify a token of its own);
    /// each call has a scratch to itself.
    fn with<S: Reuse, R>(&self, work: impl FnOnce(&mut S) -> R) -> R;
}

/// Working memory that a policy may keep from call to call.
pub trait Reuse: Default + Send + 'static {
    /// Forgets everything, and gives how many bytes of memory that leaves: what is kept must be bounded.
    fn reset(&mut self) -> usize;
}

/// Bytes of memory that a vector takes, used or not.
#[must_use]
pub const fn held_bytes<T>(vec: &Vec<T>) -> usize {
    vec.capacity() * size_of::<T>()
}
