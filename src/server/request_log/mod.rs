//! Request log: one row per request, whatever its outcome. Writing rows never delays a request.

mod entry;
mod layer;
mod usage;
mod writer;

pub use entry::{Entry, RequestLogHandle, UsageGuard};
pub use layer::{LogContext, layer};
pub use writer::LogWriter;
