use std::sync::{Mutex, MutexGuard, PoisonError};

use ron_auth_core::seam::Execute;

use super::SequentialExecute;

/// The calling thread and the threads of the current rayon pool, for batches that are worth it; else the calling
/// thread alone.
///
/// The caller works from the first moment on, and whoever is free takes the next chunk, so that a pool that is slow to
/// wake up costs next to nothing. The caller does wait at the end until each helper has had its turn: in a pool that is
/// busy with long jobs of others, verify in a pool of its own (`pool.install`), and never while holding a lock that
/// jobs of the pool wait for. (Handing the whole batch to the pool, as a parallel iterator does when it is called
/// from outside, left the caller asleep: batches of 256 light tokens took 1.5 times as long on two threads as on one.)
#[derive(Clone, Copy, Debug, Default)]
pub struct RayonExecute;

/// Fewest tokens that are worth handing to another thread.
const MIN_CHUNK_LEN: usize = 16;

impl Execute for RayonExecute {
    fn try_chunks<T, E, F>(&self, out: &mut [T], max_chunk_len: usize, spread: bool, work: F) -> Result<(), E>
    where
        T: Send,
        E: Send,
        F: Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    {
        // Before rayon is asked anything: its first question starts the global pool.
        if !spread || out.len() <= MIN_CHUNK_LEN {
            return SequentialExecute.try_chunks(out, max_chunk_len, spread, work);
        }
        let threads = rayon::current_num_threads();
        // No more helpers than there is work for: the caller waits until each of them has been run.
        let helpers = threads.min(out.len().div_ceil(MIN_CHUNK_LEN)) - 1;
        if helpers == 0 {
            return SequentialExecute.try_chunks(out, max_chunk_len, spread, work);
        }
        let board = Mutex::new(Board { first: 0, rest: out, threads, max_chunk_len, first_failure: None });
        let work_off = || {
            loop {
                // A statement of its own: in a `while let` the lock would be held until the chunk is done.
                let next = lock(&board).next_chunk();
                let Some((first, chunk)) = next else { break };
                if let Err(error) = work(first, chunk) {
                    lock(&board).fail(first, error);
                }
            }
        };
        rayon::in_place_scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|_| work_off());
            }
            work_off();
        });
        let failure = lock(&board).first_failure.take();
        failure.map_or(Ok(()), |(_, error)| Err(error))
    }
}

/// What is still to be done, and what went wrong.
struct Board<'o, T, E> {
    /// Index of the first of the rest.
    first: usize,
    rest: &'o mut [T],
    threads: usize,
    max_chunk_len: usize,
    /// The failure of the lowest-index chunk that failed so far, with the index of its first element.
    first_failure: Option<(usize, E)>,
}

impl<'o, T, E> Board<'o, T, E> {
    /// The next chunk, in order. None after a failure: whatever comes later can't change the outcome.
    ///
    /// Chunks become smaller towards the end, so that all threads end at about the same time.
    fn next_chunk(&mut self) -> Option<(usize, &'o mut [T])> {
        if self.first_failure.is_some() || self.rest.is_empty() {
            return None;
        }
        let half_a_share = self.rest.len() / (2 * self.threads);
        let len = half_a_share.max(MIN_CHUNK_LEN).min(self.max_chunk_len.max(1)).min(self.rest.len());
        let (chunk, rest) = std::mem::take(&mut self.rest).split_at_mut(len);
        let first = self.first;
        self.rest = rest;
        self.first += len;
        Some((first, chunk))
    }

    fn fail(&mut self, first: usize, error: E) {
        if self.first_failure.as_ref().is_none_or(|(other, _)| first < *other) {
            self.first_failure = Some((first, error));
        }
    }
}

/// A panic in `work` is passed on by rayon; until then the board is still good.
fn lock<'m, 'o, T, E>(board: &'m Mutex<Board<'o, T, E>>) -> MutexGuard<'m, Board<'o, T, E>> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
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
            let caught = std::panic::catch_unwind(|| {
                RayonExecute.try_chunks(&mut [0; 200], 64, true, |first, _| {
                    assert!(first != 0, "a handler panics");
                    Ok::<(), ()>(())
                })
            });
            assert!(caught.is_err(), "a panic reaches the caller");
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
