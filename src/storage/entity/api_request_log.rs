//! `api_request_logs`: one row per request, including rejected requests.

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
    /// The SHA-256 of the document. Its text and variables are never stored.
    pub document_hash: Option<String>,
    pub status: i32,
    /// The code of the first error.
    pub error_code: Option<String>,
    /// The privacy budget charged to the key by this request, in microunits.
    pub microunits: i64,
    /// The time from the complete headers of the request to those of the response, or until the client disconnected, in
    /// microseconds.
    pub processing_us: i64,
    /// Whether the request passed the limits and counts against them.
    pub admitted: bool,
    /// The points that were reserved before execution.
    pub points_requested: i64,
    /// The points that were finally charged.
    pub points: i64,
}

impl ActiveModelBehavior for ActiveModel {}
