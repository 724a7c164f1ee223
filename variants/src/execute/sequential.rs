use ron_auth_core::seam::Execute;

/// Works on the calling thread alone, chunk after chunk.
#[derive(Clone, Copy, Debug, Default)]
pub struct SequentialExecute;

impl Execute for SequentialExecute {
    fn try_chunks<T, E, F>(&self, out: &mut [T], max_chunk_len: usize, _spread: bool, work: F) -> Result<(), E>
    where
        T: Send,
        E: Send,
        F: Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    {
        let max_chunk_len = max_chunk_len.max(1);
        out.chunks_mut(max_chunk_len).enumerate().try_for_each(|(index, chunk)| work(index * max_chunk_len, chunk))
    }
}
