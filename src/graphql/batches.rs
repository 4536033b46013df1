//! Schedules the batches of a request: they run in the task of the request, after its resolvers have queued everything
//! that they can.
//!
//! A data loader that waits a millisecond before it loads can split the questions of a document on a busy machine, but
//! the privacy budget must admit or reject a document as a whole (`docs/privacy.md`, "What is charged"). Therefore no
//! timer is used: resolvers run until all of them are pending, then the batches run. Questions about segments run only
//! when no segment lookup is in progress.

use std::{
    future::poll_fn,
    mem::take,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use parking_lot::Mutex;

type Queue = Mutex<Vec<BoxFuture<'static, ()>>>;

/// The queued batches of one request.
#[derive(Default)]
pub struct Batches {
    lookups: Queue,
    questions: Queue,
    lookups_in_progress: AtomicUsize,
}

/// Guard of a segment lookup in progress. Questions wait until all guards are dropped.
pub struct LookupGuard<'a>(&'a AtomicUsize);

impl Drop for LookupGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Batches {
    /// Queues a batch of segment lookups.
    pub fn queue_lookups(&self, batch: BoxFuture<'static, ()>) {
        self.lookups.lock().push(batch);
    }

    /// Queues a batch of questions about segments.
    pub fn queue_questions(&self, batch: BoxFuture<'static, ()>) {
        self.questions.lock().push(batch);
    }

    /// Starts a segment lookup. A root field must call this before its first await.
    pub fn begin_lookup(&self) -> LookupGuard<'_> {
        self.lookups_in_progress.fetch_add(1, Ordering::Relaxed);
        LookupGuard(&self.lookups_in_progress)
    }

    /// Runs an execution and the batches that it queues until the execution is complete.
    pub async fn drive<T>(&self, execution: impl Future<Output = T>) -> T {
        let mut execution = pin!(execution);
        let mut running = FuturesUnordered::new();
        poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = execution.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                running.extend(take(&mut *self.lookups.lock()));
                if self.lookups_in_progress.load(Ordering::Relaxed) == 0 {
                    running.extend(take(&mut *self.questions.lock()));
                }
                if !matches!(running.poll_next_unpin(context), Poll::Ready(Some(()))) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}
