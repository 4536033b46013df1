//! The same rows as CSV, NDJSON and Parquet are imported into the same tables.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use spots_enrichment::{
    domain::clock::parse_time,
    ingest::import::{self, Kind, Options},
    storage::entity::{agent, connection, personality_profile, product, user_action},
};

use crate::{
    app::{On, TestDb, folder},
    cli::binary,
};

fn options() -> Options {
    Options { partner: Some("acme".to_owned()), ..Options::DEFAULT }
}

/// The type of a column in the exported NDJSON and Parquet files.
#[derive(Clone, Copy, PartialEq)]
enum Type {
    Text,
    Integer,
    Number,
    Boolean,
    Time,
    List,
}

fn type_of(column: &str) -> Type {
    match column {
        "age" | "rating_count" => Type::Integer,
        "consent" | "is_return_visit" => Type::Boolean,
        "start_time" | "end_time" | "created_at" => Type::Time,
        "interests" | "category_preferences" | "styles" | "features" => Type::List,
        "agent_id" | "agent_id_1" | "agent_id_2" | "action_type" | "spot_id" | "category" | "category_group"
        | "region" | "product_id" | "title" | "subcategory" | "currency" | "price_range" => Type::Text,
        _ => Type::Number,
    }
}

/// The column names and the rows of a CSV file.
fn table(file: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let names = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (names, rows)
}

fn ndjson(from: &Path, to: &Path) {
    let (names, rows) = table(from);
    let mut file = zstd::Encoder::new(File::create(to).unwrap(), 1).unwrap().auto_finish();
    for row in rows {
        let mut object = serde_json::Map::new();
        for (name, text) in names.iter().zip(row) {
            let value = match type_of(name) {
                _ if text.is_empty() => Value::Null,
                Type::Integer | Type::Number | Type::Boolean => serde_json::from_str(&text).unwrap(),
                Type::List => text.split('|').collect(),
                Type::Text | Type::Time => json!(text),
            };
            object.insert(name.clone(), value);
        }
        writeln!(file, "{}", Value::Object(object)).unwrap();
    }
}

/// The unit of a timestamp column and how many of it make a second. Each unit occurs in some column.
fn unit(column: &str) -> (&'static str, i64) {
    match column {
        "start_time" => ("nanos", 1_000_000_000),
        "end_time" => ("micros", 1_000_000),
        _ => ("millis", 1_000),
    }
}

fn parquet(from: &Path, to: &Path) {
    let (names, rows) = table(from);
    let columns: Vec<String> = names
        .iter()
        .map(|name| match type_of(name) {
            Type::Text => format!("optional binary {name} (utf8);"),
            Type::Integer => format!("optional int32 {name};"),
            Type::Number => format!("optional double {name};"),
            Type::Boolean => format!("optional boolean {name};"),
            Type::Time => format!("optional int64 {name} (timestamp({},true));", unit(name).0),
            Type::List => {
                format!("optional group {name} (list) {{ repeated group list {{ optional binary element (utf8); }} }}")
            }
        })
        .collect();
    let schema = parse_message_type(&format!("message rows {{ {} }}", columns.join(" "))).unwrap();
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let mut writer =
        SerializedFileWriter::new(File::create(to).unwrap(), Arc::new(schema), Arc::new(properties)).unwrap();
    // Several row groups, as in large files.
    for rows in rows.chunks(rows.len() / 3 + 1) {
        let mut group = writer.next_row_group().unwrap();
        for (index, name) in names.iter().enumerate() {
            let mut column = group.next_column().unwrap().unwrap();
            let present: Vec<&str> =
                rows.iter().map(|row| row[index].as_str()).filter(|text| !text.is_empty()).collect();
            let levels: Vec<i16> = rows.iter().map(|row| i16::from(!row[index].is_empty())).collect();
            macro_rules! write {
                ($type:ty, $parse:expr) => {{
                    let values: Vec<_> = present.iter().map($parse).collect();
                    column.typed::<$type>().write_batch(&values, Some(&levels), None).unwrap();
                }};
            }
            match type_of(name) {
                Type::Text => write!(ByteArrayType, |text| ByteArray::from(*text)),
                Type::Integer => write!(Int32Type, |text| text.parse().unwrap()),
                Type::Number => write!(DoubleType, |text| text.parse().unwrap()),
                Type::Boolean => write!(BoolType, |text| text.parse().unwrap()),
                Type::Time => write!(Int64Type, |text| parse_time(text).unwrap() * unit(name).1),
                Type::List => {
                    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
                    for row in rows {
                        let items: Vec<&str> = row[index].split('|').filter(|term| !term.is_empty()).collect();
                        values.extend(items.iter().map(|term| ByteArray::from(*term)));
                        // A list without values is empty, not null.
                        defined.extend(if items.is_empty() { vec![1] } else { vec![3; items.len()] });
                        repeated.extend((0..items.len().max(1)).map(|number| i16::from(number > 0)));
                    }
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&defined), Some(&repeated)).unwrap();
                }
            }
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

/// All raw rows, sorted by their debug text.
async fn stored(db: &DatabaseConnection) -> [Vec<String>; 5] {
    macro_rules! rows {
        ($entity:ident) => {{
            let rows = $entity::Entity::find().all(db).await.unwrap();
            let mut rows: Vec<String> = rows.into_iter().map(|row| format!("{row:?}")).collect();
            rows.sort();
            rows
        }};
    }
    [rows!(agent), rows!(personality_profile), rows!(user_action), rows!(connection), rows!(product)]
}

#[tokio::test]
async fn csv_ndjson_and_parquet_are_imported_into_the_same_tables() {
    let dir = folder("formats");
    let made = binary(&dir).args(["generate", "--agents", "300", "--dir", "csv"]).output().unwrap();
    assert!(made.status.success());
    for kind in Kind::ALL {
        for other in ["ndjson", "parquet"] {
            fs::create_dir_all(dir.join(other)).unwrap();
        }
        let from = dir.join("csv").join(format!("{}.csv", kind.name()));
        ndjson(&from, &dir.join("ndjson").join(format!("{}.ndjson.zst", kind.name())));
        parquet(&from, &dir.join("parquet").join(format!("{}.parquet", kind.name())));
    }
    let mut tables = Vec::new();
    for format in ["csv", "ndjson", "parquet"] {
        let (_database, db) = TestDb::migrated(On::Sqlite).await;
        let reports = import::folder(&db, &dir.join(format), &options()).await.unwrap();
        assert!(reports.len() == 5 && reports.iter().all(|report| report.rejects.is_empty()), "{format}: {reports:?}");
        tables.push(stored(&db).await);
    }
    assert!(tables[0].iter().all(|rows| rows.len() >= 30));
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0], tables[2]);
    // Several files of one kind are all loaded.
    fs::copy(dir.join("parquet/agents.parquet"), dir.join("csv/Agents-2.PARQUET")).unwrap();
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let reports = import::folder(&db, &dir.join("csv"), &options()).await.unwrap();
    assert_eq!(reports.iter().filter(|report| report.kind == Kind::Agents).count(), 2);
    assert_eq!(stored(&db).await, tables[0]);
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder("formats").join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn lines_that_are_not_rows_are_skipped_with_their_reason() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let line = |id: &str, more: &str| {
        format!(
            r#"{{"agent_id":{id},"region":"north","age":30,"interests":["food"],"category_preferences":null{more}}}"#
        )
    };
    let lines = [
        // A byte order mark and trailing whitespace are ignored.
        format!("\u{feff}{}\r", line("\"a\"", r#","consent":true"#)),
        String::new(),
        line("\"b\"", r#","consent":"#),
        line("\"c\"", r#","consent":{"given":true}"#),
        line("\"d\"", r#","consent":true,"interests":["food",3]"#),
        r#"{"agent_id":"e","region":"north","age":30,"interests":["food|art"],"consent":true}"#.to_owned(),
        line("7", ""),
        r#"["a"]"#.to_owned(),
        line("null", ""),
    ];
    let path = file("agents.ndjson", lines.join("\n").as_bytes());
    let report = import::file(&db, Kind::Agents, &path, &options()).await.unwrap();
    let rejects: Vec<(u64, &str)> = report.rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect();
    assert_eq!(
        rejects,
        [
            (3, "not a JSON object: expected value"),
            (4, "consent is an object"),
            (5, "interests is given twice"),
            (8, "not a JSON object: invalid type: sequence, expected a map"),
            (9, "agent_id is empty"),
        ]
    );
    assert_eq!(
        report.warnings.into_keys().collect::<Vec<_>>(),
        ["interests: \"food|art\" is left out; a term has up to 64 letters, digits, - or _"]
    );
    let agents = agent::Entity::find().order_by_asc(agent::COLUMN.agent_id).all(&db).await.unwrap();
    let known: Vec<(&str, bool)> = agents.iter().map(|agent| (agent.agent_id.as_str(), agent.consent)).collect();
    // A missing column is unknown, so there is no consent.
    assert_eq!(known, [("7", false), ("a", true), ("e", true)]);
}

#[tokio::test]
async fn a_damaged_file_is_rejected_and_nothing_of_it_is_stored() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let dir = folder("formats");
    binary(&dir).args(["generate", "--agents", "50", "--dir", "csv"]).output().unwrap();
    parquet(&dir.join("csv/agents.csv"), &dir.join("agents.parquet"));
    let whole = fs::read(dir.join("agents.parquet")).unwrap();
    let mut bent = whole.clone();
    bent[40..400].fill(0xff);
    let long = format!("{{\"agent_id\":\"{}\"}}\n", "x".repeat(1 << 20));
    for (name, bytes, says) in [
        ("agents.ndjson", b"{\"agent_id\":\"a\"}\n".as_slice(), "the columns region, age, interests"),
        ("agents.ndjson", long.as_bytes(), "every row of agents was rejected"),
        ("agents.ndjson.gz", b"no archive", "it is damaged after line 0"),
        ("agents.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("agents.parquet", &whole[..whole.len() / 2], "cannot be read as Parquet"),
        ("agents.parquet", &bent, "agents.parquet"),
        ("visits.parquet", &whole, "the columns action_type"),
    ] {
        let kind = if name.starts_with("visits") { Kind::Visits } else { Kind::Agents };
        let error = import::file(&db, kind, &file(name, bytes), &options()).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(says) && error.contains("nothing of"), "{name}: {error}");
        assert!(stored(&db).await.iter().all(Vec::is_empty), "{name}");
    }
}
