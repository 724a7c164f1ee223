use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ron_auth_core::seam::Execute;

use super::SequentialExecute;
use super::pool::{self, Pool};

/// The calling thread and those threads of the library's own that are free, for batches that are worth it; else the
/// calling thread alone.
///
/// The caller works from the first moment on, and whoever is free takes the next chunk, so that a thread that is slow
/// to wake up costs next to nothing. At the end the caller waits for the chunks that others have begun, and for nothing
/// else; if that takes longer than its own share did, because other programs want the cores, the next batches are
/// worked on by their callers alone. (Handing the whole batch to a pool, as a parallel iterator does when it is called
/// from outside, left the caller asleep: batches of 256 light tokens took 1.5 times as long on two threads as on one.)
#[derive(Clone, Copy, Debug, Default)]
pub struct RayonExecute;

static POOL: Pool = Pool::new(pool::default_size, pool::start_thread, pool::LATE);

/// Fewest tokens that are worth handing to another thread.
const MIN_CHUNK_LEN: usize = 16;

/// Of a batch, how many tokens it takes to start one more thread than one, which costs as much as tens of tokens.
const TOKENS_PER_START: usize = 1024;

impl Execute for RayonExecute {
    fn try_chunks<T, E, F>(&self, out: &mut [T], max_chunk_len: usize, spread: bool, work: F) -> Result<(), E>
    where
        T: Send,
        E: Send,
        F: Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    {
        if spread {
            spread_over(&POOL, out, max_chunk_len, work)
        } else {
            SequentialExecute.try_chunks(out, max_chunk_len, spread, work)
        }
    }
}

fn spread_over<T, E, F>(pool: &'static Pool, out: &mut [T], max_chunk_len: usize, work: F) -> Result<(), E>
where
    T: Send,
    E: Send,
    F: Fn(usize, &mut [T]) -> Result<(), E> + Sync,
{
    let wanted = wanted_helpers(out.len());
    let helpers = if wanted == 0 { Vec::new() } else { pool.reserve(wanted, 1 + out.len() / TOKENS_PER_START) };
    if helpers.is_empty() {
        return SequentialExecute.try_chunks(out, max_chunk_len, true, work);
    }
    let board =
        Mutex::new(Board { first: 0, rest: out, threads: helpers.len() + 1, max_chunk_len, first_failure: None });
    let begun = Instant::now();
    let own_share_done = pool::together(helpers, &|| {
        let _close = CloseOnDrop(&board);
        loop {
            // A statement of its own: in a `while let` the lock would be held until the chunk is done.
            let next = lock(&board).next_chunk();
            let Some((first, chunk)) = next else { break };
            if let Err(error) = work(first, chunk) {
                lock(&board).fail(first, error);
            }
        }
    });
    pool.learn(own_share_done.duration_since(begun), own_share_done.elapsed());
    let failure = lock(&board).first_failure.take();
    failure.map_or(Ok(()), |(_, error)| Err(error))
}

/// One thread for each chunk of the least length, the caller among them.
fn wanted_helpers(len: usize) -> usize {
    len.div_ceil(MIN_CHUNK_LEN).saturating_sub(1)
}

/// The work that is still to be done, and what has failed.
struct Board<'o, T, E> {
    /// Index of the first token that nobody works on yet.
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

/// Who leaves while something is left to be done does so by a panic: then nobody begins another chunk.
struct CloseOnDrop<'b, 'o, T, E>(&'b Mutex<Board<'o, T, E>>);

impl<T, E> Drop for CloseOnDrop<'_, '_, T, E> {
    fn drop(&mut self) {
        lock(self.0).rest = &mut [];
    }
}

/// No panic comes while the lock is held, so the board is good.
fn lock<'m, 'o, T, E>(board: &'m Mutex<Board<'o, T, E>>) -> MutexGuard<'m, Board<'o, T, E>> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
