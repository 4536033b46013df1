//! The database entities, one table per file. They define columns and keys only, and have no GraphQL types, so that a
//! new column is never public by accident.

pub mod agent;
pub mod agent_summary;
pub mod api_key;
pub mod api_request_log;
pub mod api_usage_day;
pub mod audit_event;
pub mod connection;
pub mod dropped_epoch;
pub mod epoch;
pub mod epoch_term;
pub mod erased_person;
pub mod erasure_salt;
pub mod import_run;
pub mod market_segment;
pub mod partner;
pub mod personality_profile;
pub mod privacy_account;
pub mod privacy_charge;
pub mod privacy_decoy_write;
pub mod privacy_release;
pub mod privacy_spending;
pub mod privacy_view;
pub mod product;
pub mod trusted_document;
pub mod user_action;
