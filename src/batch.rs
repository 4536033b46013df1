//! Schedules the batches of a request: they run in the task of the request, after its resolvers have queued everything
//! that they can.
//!
//! A data loader that waits a millisecond before it loads can split the questions of a document on a busy machine, but
//! the privacy budget must admit or reject a document as a whole (`docs/privacy.md`, "What is paid"). Therefore no
//! timer is used: resolvers run until all of them are pending, then the batches run. Questions about segments run only
//! when no segment lookup is in progress.

use std::{
    future::poll_fn,
    mem::take,
    pin::pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};

type Queue = Mutex<Vec<BoxFuture<'static, ()>>>;

/// The queued batches of one request.
#[derive(Default)]
pub struct Batches {
    lookups: Queue,
    questions: Queue,
    looking_up: AtomicUsize,
}

/// Guard of a segment lookup in progress. Questions wait until all guards are dropped.
pub struct LookingUp<'a>(&'a AtomicUsize);

impl Drop for LookingUp<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Batches {
    /// Queues a batch of segment lookups.
    pub fn look_up(&self, batch: BoxFuture<'static, ()>) {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    /// Queues a batch of questions about segments.
    pub fn question(&self, batch: BoxFuture<'static, ()>) {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    /// Starts a segment lookup. A root field must call this before its first await.
    pub fn looking_up(&self) -> LookingUp<'_> {
        self.looking_up.fetch_add(1, Ordering::Relaxed);
        LookingUp(&self.looking_up)
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
                running.extend(take(&mut *self.lookups.lock().unwrap_or_else(PoisonError::into_inner)));
                if self.looking_up.load(Ordering::Relaxed) == 0 {
                    running.extend(take(&mut *self.questions.lock().unwrap_or_else(PoisonError::into_inner)));
                }
                if !matches!(running.poll_next_unpin(context), Poll::Ready(Some(()))) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}
