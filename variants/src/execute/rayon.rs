use rayon::prelude::*;
use ron_auth_core::seam::Execute;

use super::SequentialExecute;

/// The threads of the current rayon pool, for batches that are worth it; else the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct RayonExecute;

/// Chunks per thread: enough that a thread that finishes early finds more to do.
const CHUNKS_PER_THREAD: usize = 2;
/// Fewest tokens that are worth handing to another thread.
const MIN_CHUNK_LEN: usize = 16;

impl Execute for RayonExecute {
    fn try_chunks<T, E, F>(&self, out: &mut [T], max_chunk_len: usize, spread: bool, work: F) -> Result<(), E>
    where
        T: Send,
        E: Send,
        F: Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    {
        let threads = rayon::current_num_threads();
        if !spread || threads == 1 {
            return SequentialExecute.try_chunks(out, max_chunk_len, spread, work);
        }
        let even_share = out.len().div_ceil(threads * CHUNKS_PER_THREAD);
        let chunk_len = even_share.max(MIN_CHUNK_LEN).min(max_chunk_len).max(1);
        let first_failure = out
            .par_chunks_mut(chunk_len)
            .enumerate()
            .map(|(index, chunk)| work(index * chunk_len, chunk))
            .find_first(Result::is_err);
        first_failure.unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_worked_on_in_its_place_and_the_first_error_wins() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        pool.install(|| {
            for len in [0, 1, 15, 16, 17, 64, 127, 1000] {
                let mut out = vec![usize::MAX; len];
                let done: Result<(), usize> = RayonExecute.try_chunks(&mut out, 64, true, |first, chunk| {
                    assert!(chunk.len() <= 64);
                    chunk.iter_mut().enumerate().for_each(|(index, slot)| *slot = first + index);
                    Ok(())
                });
                assert_eq!(done, Ok(()));
                assert!(out.iter().copied().eq(0..len), "{len}");
            }
            for bad in 0..200 {
                let mut out = vec![(); 200];
                let done = RayonExecute.try_chunks(&mut out, 64, true, |first, chunk| {
                    let failing = (first..first + chunk.len()).find(|&index| index >= bad);
                    failing.map_or(Ok(()), Err)
                });
                assert_eq!(done, Err(bad));
            }
        });
    }
}
