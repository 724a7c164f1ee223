/// Who does the work of a batch.
pub trait Execute: Send + Sync + 'static {
    /// Splits `out` into chunks of `chunk_len` (the last may be shorter) and calls `work` with the index of each
    /// chunk's first element and the chunk. `spread` says whether the batch is large enough to be worth more than
    /// one thread.
    ///
    /// # Errors
    /// The error of the first chunk, in order, that has one. Later chunks may or may not have been worked on.
    fn try_chunks<T, E, F>(&self, out: &mut [T], chunk_len: usize, spread: bool, work: F) -> Result<(), E>
    where
        T: Send,
        E: Send,
        F: Fn(usize, &mut [T]) -> Result<(), E> + Sync;
}
