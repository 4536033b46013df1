//! Queries of a partner, each compared with the snapshot of its answer.

use crate::app::{ALL, On, TestApp};

#[tokio::test]
async fn every_query_has_the_answer_of_its_snapshot() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/queries");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "graphql"));
    files.sort();
    assert!(files.len() >= 3);
    for file in files {
        let query = std::fs::read_to_string(&file).unwrap();
        let answer = client.ask(&query).await;
        let name = file.file_stem().unwrap().to_str().unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("queries");
        settings.set_prepend_module_to_snapshot(false);
        let errors = answer.body["errors"].as_array().into_iter().flatten();
        let refused: Vec<_> = errors.map(|error| (&error["path"], &error["extensions"]["reason"])).collect();
        assert!(refused.iter().all(|(_, reason)| *reason == "DOMINANCE"), "{}", answer.text);
        settings.bind(|| {
            insta::assert_json_snapshot!(name, serde_json::json!({ "data": answer.body["data"], "refused": refused }));
        });
    }
}
