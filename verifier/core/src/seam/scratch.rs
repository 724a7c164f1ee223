/// Where the memory comes from that a verification works in.
pub trait ScratchPolicy: Send + Sync + 'static {
    /// Lends a scratch for the time of one call.
    ///
    /// May be called again from inside `work` (a key provider or a caveat handler may verify a token of its own);
    /// each call has a scratch to itself.
    fn with<S: Default + Send + 'static, R>(&self, work: impl FnOnce(&mut S) -> R) -> R;
}
