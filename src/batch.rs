//! When a request's batches run: in the request's own task, once its resolvers have asked all that they can ask.
//!
//! A loader that waits a millisecond before it loads can split a document's questions when the machine is busy, and a
//! document must be admitted or refused whole (`docs/privacy.md`, "What is paid"). Here nothing waits: resolvers run
//! until each is stuck, then the batches run. Questions about segments run only when no segment is still looked up.

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

/// The batches of one request that are yet to run.
#[derive(Default)]
pub struct Batches {
    lookups: Queue,
    questions: Queue,
    looking_up: AtomicUsize,
}

/// While it lives, a segment is being looked up and questions wait.
pub struct LookingUp<'a>(&'a AtomicUsize);

impl Drop for LookingUp<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Batches {
    /// Queues a batch that looks segments up.
    pub fn look_up(&self, batch: BoxFuture<'static, ()>) {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    /// Queues a batch of questions about segments.
    pub fn question(&self, batch: BoxFuture<'static, ()>) {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    /// Begins a lookup. A root field calls it before it waits for anything.
    pub fn looking_up(&self) -> LookingUp<'_> {
        self.looking_up.fetch_add(1, Ordering::Relaxed);
        LookingUp(&self.looking_up)
    }

    /// Runs an execution and the batches that it queues, to its end.
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
