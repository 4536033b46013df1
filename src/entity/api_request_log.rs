//! One row per request, refusals too.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_request_logs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub log_id: i64,
    /// Unix milliseconds, UTC.
    pub received_at_ms: i64,
    pub request_id: String,
    pub key_id: Option<String>,
    pub partner_id: Option<String>,
    pub operation_name: Option<String>,
    /// SHA-256 of the document; its text and variables are never stored.
    pub document_hash: Option<String>,
    pub status: i32,
    /// The first error's code.
    pub error_code: Option<String>,
    /// Privacy price paid by this request, in milli-units.
    pub units_mu: i64,
    /// Microseconds from the first byte read to the answer.
    pub processing_us: i64,
    /// Whether it counts as a request of its key: it passed the limits.
    pub admitted: bool,
    /// Points reserved before it ran.
    pub points_requested: i64,
    /// Points it was charged in the end.
    pub points: i64,
}

impl ActiveModelBehavior for ActiveModel {}
