//! The log entry of a request, and the handle by which the inner layers fill it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use parking_lot::Mutex;

/// The log entry of a request, filled while the request is processed.
#[derive(Clone, Debug)]
pub struct Entry {
    pub received_at_ms: i64,
    pub request_id: String,
    pub key_id: Option<String>,
    pub partner_id: Option<String>,
    pub operation_name: Option<String>,
    /// SHA-256 of the document, in hexadecimal digits. The text is never stored.
    pub document_hash: Option<String>,
    pub error_code: Option<String>,
    pub microunits: i64,
    /// Whether the limits on requests and points admitted the request.
    pub admitted: bool,
    pub points_requested: u64,
    pub points: u64,
    pub status: i32,
    pub processing_us: i64,
}

/// Handle to the log entry of the current request, for the inner layers.
#[derive(Clone)]
pub struct RequestLogHandle(Arc<Mutex<Entry>>);

impl RequestLogHandle {
    pub(super) fn new(entry: Entry) -> Self {
        Self(Arc::new(Mutex::new(entry)))
    }

    /// The entry as it is now.
    pub(super) fn entry(&self) -> Entry {
        self.0.lock().clone()
    }

    /// Changes the entry.
    pub fn update(&self, change: impl FnOnce(&mut Entry)) {
        change(&mut self.0.lock());
    }

    /// Returns a guard that records the charged units and the points of the started fields when the request ends.
    #[must_use]
    pub fn record_usage_on_drop(
        &self,
        charged_microunits: &Arc<AtomicI64>,
        started_points: &Arc<AtomicU64>,
    ) -> UsageGuard {
        UsageGuard {
            handle: self.clone(),
            charged_microunits: Arc::clone(charged_microunits),
            started_points: Arc::clone(started_points),
        }
    }

    /// Returns the id of the request.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.0.lock().request_id.clone()
    }
}

/// Guard that records what the request has used when it is dropped: after the response, after a timeout, or after the
/// client has disconnected.
pub struct UsageGuard {
    handle: RequestLogHandle,
    charged_microunits: Arc<AtomicI64>,
    started_points: Arc<AtomicU64>,
}

impl Drop for UsageGuard {
    fn drop(&mut self) {
        let (charged_microunits, started_points) =
            (self.charged_microunits.load(Ordering::Relaxed), self.started_points.load(Ordering::Relaxed));
        self.handle.update(|entry| (entry.microunits, entry.points) = (charged_microunits, started_points));
    }
}
