//! Writes the tables that are generated from the code into the documents; tests compare them. Run it with
//! `just tables`.

use std::{fs, path::Path};

use anyhow::Context as _;
use spots_enrichment::{cli, domain::error, gate::prices};

fn main() -> anyhow::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for (file, name, table) in [
        ("limits.md", "prices", prices::table()),
        ("errors.md", "codes", error::table()),
        ("operator.md", "settings", cli::settings_table()),
    ] {
        let path = docs.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("\n<!-- {name}: end -->"));
        let (before, rest) = text.split_once(&begin).with_context(|| format!("{file} has no {begin}"))?;
        let (_, after) = rest.split_once(&end).with_context(|| format!("{file} has no {end}"))?;
        fs::write(&path, [before, &begin, "\n", &table, "\n", &end, after].concat())?;
        println!("docs/{file}: {name}, {} lines", table.lines().count());
    }
    Ok(())
}
