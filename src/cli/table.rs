//! Results on standard output: as text, or as JSON for programs.

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde::Serialize;

/// The output format of a result.
#[derive(Args, Clone, Copy)]
pub(super) struct Format {
    /// Print JSON, for programs; values are never wrapped.
    #[arg(long)]
    json: bool,
}

impl Format {
    /// A text table.
    pub(super) const TABLE: Self = Self { json: false };

    /// Prints rows under a header, or as a JSON array of objects. `cells` returns the values of a row, one per column.
    ///
    /// # Errors
    /// Standard output is closed, or a row cannot be serialized.
    pub(super) fn print<Row: Serialize>(
        self,
        rows: &[Row],
        header: &[&str],
        cells: impl Fn(&Row) -> Vec<String>,
    ) -> anyhow::Result<()> {
        if self.json { json(rows) } else { Ok(print(header, &rows.iter().map(cells).collect::<Vec<_>>())?) }
    }

    /// Prints one value as JSON, or with `print`.
    ///
    /// # Errors
    /// Standard output is closed, the value cannot be serialized, or `print` fails.
    pub(super) fn show<Value: Serialize>(
        self,
        value: &Value,
        print: impl FnOnce(&Value) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.json { json(value) } else { print(value) }
    }

    /// Prints the result of a command as JSON, or as one line of text.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(super) fn line(self, value: &serde_json::Value, text: &str) -> anyhow::Result<()> {
        self.show(value, |_| {
            say!("{text}");
            Ok(())
        })
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints rows under a header. On a terminal, long values are wrapped so that the table fits its width; a file or a
/// pipe gets one line per row.
///
/// # Errors
/// Standard output is closed.
pub(super) fn print(header: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    say!("{}", table(header, rows).trim_fmt());
    Ok(())
}

fn table(header: &[&str], rows: &[Vec<String>]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(header).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn a_table_fits_its_terminal_and_has_one_line_per_row_elsewhere() {
        let rows = [["key_1", "a segment of many words and more", "ä"], ["key_200", "short", "b"]]
            .map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            table(&["id", "name", "x"], &rows).trim_fmt().lines().collect::<Vec<_>>(),
            [
                "id       name                              x",
                "key_1    a segment of many words and more  ä",
                "key_200  short                             b"
            ]
        );
        let narrow = table(&["id", "name", "x"], &rows).set_width(30).trim_fmt();
        assert!(narrow.lines().all(|line| line.chars().count() <= 30), "{narrow}");
    }
}
