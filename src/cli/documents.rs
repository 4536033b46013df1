//! `documents`: the trusted documents of partners.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::{config::Database, table::Format};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock, format_time},
        error::Error,
    },
    gate::persisted::document_hash,
    graphql::schema,
    storage::{db, entity::trusted_document::Model, partners, trusted_documents},
};

/// The format of a manifest of Apollo.
const APOLLO_FORMAT: &str = "apollo-persisted-query-manifest";

/// Add, list or remove the trusted documents of a partner. Requests name them by their SHA-256.
#[derive(Args)]
#[command(after_help = "\
Examples:
  documents add persisted-query-manifest.json --partner acme    a manifest of Apollo or of Relay
  documents add portrait.graphql --partner acme                 one document
  documents list --partner acme
A request names a document with \"documentId\" or \"extensions.persistedQuery\". `keys create --documents-only` limits a
key to trusted documents.")]
pub(super) struct Documents {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Check documents against the schema and store them. Takes effect on every server within five seconds.
    Add {
        /// A manifest of Apollo or of Relay (.json), or one document.
        file: PathBuf,
        #[arg(long)]
        partner: String,
        #[command(flatten)]
        format: Format,
    },
    /// List the documents of a partner.
    List {
        #[arg(long)]
        partner: String,
        #[command(flatten)]
        format: Format,
    },
    /// Remove a document. Takes effect on every server within five seconds.
    Remove {
        /// The SHA-256 of the document, as `documents list` shows it; also after `sha256:`.
        hash: String,
        #[arg(long)]
        partner: String,
        #[command(flatten)]
        format: Format,
    },
}

/// A manifest of Apollo.
#[derive(Deserialize)]
struct ApolloManifest {
    format: String,
    operations: Vec<ApolloOperation>,
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    name: String,
    body: String,
}

/// A document in the output.
#[derive(Serialize)]
struct DocumentRow {
    hash: String,
    name: String,
    bytes: usize,
    added_at: String,
}

impl From<Model> for DocumentRow {
    fn from(document: Model) -> Self {
        Self {
            hash: document.document_hash,
            name: document.document_name,
            bytes: document.document.len(),
            added_at: format_time(document.added_at),
        }
    }
}

impl Documents {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        match self.action {
            Action::Add { file, partner, format } => {
                let now = SystemClock.now();
                let documents = read(&file)?;
                let reader = schema::document_reader()?;
                let mut rows = Vec::with_capacity(documents.len());
                for (name, text) in documents {
                    let checked = reader.check(&text).await;
                    checked.map_err(Error::into_anyhow).with_context(|| format!("nothing was added: {name}"))?;
                    rows.push(Model {
                        partner_id: partner.clone(),
                        document_hash: document_hash(&text),
                        document_name: name,
                        document: text,
                        added_at: now,
                    });
                }
                rows.sort_by(|a, b| a.document_hash.cmp(&b.document_hash));
                rows.dedup_by(|a, b| a.document_hash == b.document_hash);
                let transaction = db::begin_write(&db).await?;
                require_partner(&transaction, &partner).await?;
                trusted_documents::add(&transaction, rows.clone()).await?;
                transaction.commit().await?;
                print(format, rows)
            }
            Action::List { partner, format } => {
                require_partner(&db, &partner).await?;
                print(format, trusted_documents::list(&db, &partner).await?)
            }
            Action::Remove { hash, partner, format } => {
                let hash = hash.trim_start_matches("sha256:").to_lowercase();
                let removed = trusted_documents::remove(&db, &partner, &hash).await?;
                ensure!(removed, "the partner has no document with this hash: `documents list` shows them");
                format.line(&serde_json::json!({ "hash": hash, "removed": true }), &format!("{hash} is removed"))
            }
        }
    }
}

/// Documents of a partner who does not exist would never be found: the name is misspelt.
async fn require_partner(db: &impl ConnectionTrait, partner: &str) -> anyhow::Result<()> {
    ensure!(
        partners::exists(db, partner).await?,
        "there is no partner {partner:?}: `partners list` shows them, and `keys create` adds one"
    );
    Ok(())
}

fn print(format: Format, documents: Vec<Model>) -> anyhow::Result<()> {
    let rows: Vec<DocumentRow> = documents.into_iter().map(DocumentRow::from).collect();
    format.print(&rows, &["hash", "name", "bytes", "added"], |row| {
        vec![row.hash.clone(), row.name.clone(), row.bytes.to_string(), row.added_at.clone()]
    })
}

/// Reads the names and texts of the documents in a file.
fn read(file: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_manifest = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let documents = if is_manifest {
        manifest(&text).with_context(|| format!("{} is not a manifest", file.display()))?
    } else {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        vec![(name, text)]
    };
    ensure!(!documents.is_empty(), "{} contains no documents", file.display());
    Ok(documents)
}

fn manifest(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let (documents, ids): (Vec<(String, String)>, Vec<String>) =
        if let Ok(manifest) = serde_json::from_str::<ApolloManifest>(text) {
            ensure!(manifest.format == APOLLO_FORMAT, "its format must be {APOLLO_FORMAT}");
            let operations = manifest.operations.into_iter();
            operations.map(|operation| ((operation.name, operation.body), operation.id)).unzip()
        } else {
            let relay: BTreeMap<String, String> =
                serde_json::from_str(text).context("it must be a manifest of Apollo or of Relay")?;
            relay.into_iter().map(|(id, body)| ((operation_name(&body), body), id)).unzip()
        };
    for ((name, body), id) in documents.iter().zip(&ids) {
        if !document_hash(body).eq_ignore_ascii_case(id) {
            bail!("the id of {name} is not the SHA-256 of its text; in Relay, set `persistConfig.algorithm` to SHA256");
        }
    }
    Ok(documents)
}

/// The name of the first operation, for lists.
fn operation_name(text: &str) -> String {
    let after = ["query ", "mutation "].iter().find_map(|keyword| text.split_once(keyword)).map(|(_, after)| after);
    let name: String = after
        .unwrap_or_default()
        .trim_start()
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}
