//! Lists on standard output: a table for people, JSON for programs.

use clap::Args;
use serde::Serialize;

/// The narrowest that a column is cut to.
const NARROWEST: usize = 8;

/// How a list is printed.
#[derive(Args, Clone, Copy)]
pub(super) struct Format {
    /// As JSON, for programs: whole values, however wide the terminal.
    #[arg(long)]
    json: bool,
}

impl Format {
    /// For people.
    pub(super) const TABLE: Self = Self { json: false };

    /// Prints rows under a header, or as an array of objects.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub(super) fn print<Row: Serialize>(
        self,
        rows: &[Row],
        header: &[&str],
        cells: impl Fn(&Row) -> Vec<String>,
    ) -> anyhow::Result<()> {
        if self.json { json(rows) } else { Ok(print(header, &rows.iter().map(cells).collect::<Vec<_>>())?) }
    }

    /// Prints one thing as JSON, or as `print` says.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub(super) fn show<Thing: Serialize>(
        self,
        thing: &Thing,
        print: impl FnOnce(&Thing) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.json { json(thing) } else { print(thing) }
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints rows under a header: columns as wide as their widest value; on a terminal no wider than it.
///
/// # Errors
/// Nobody reads it any more.
pub(super) fn print(header: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    // None where standard output is a file or a pipe: what reads it wants whole values.
    let room = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    for line in lines(header, rows, room) {
        say!("{line}");
    }
    Ok(())
}

/// The lines of a table that has `room` letters a line, or any number.
fn lines(header: &[&str], rows: &[Vec<String>], room: Option<usize>) -> Vec<String> {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let all = || std::iter::once(&header).chain(rows);
    let length = |cell: &String| cell.chars().count();
    let mut widths: Vec<usize> =
        (0..header.len()).map(|column| all().map(|row| length(&row[column])).max().unwrap_or(0)).collect();
    let gaps = 2 * widths.len().saturating_sub(1);
    // The widest column gives way, a letter at a time.
    while room.is_some_and(|room| widths.iter().sum::<usize>() + gaps > room) {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > NARROWEST) else { break };
        *widest -= 1;
    }
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{:<width$}", cut(cell, width))).collect();
        cells.join("  ").trim_end().to_owned()
    };
    all().map(line).collect()
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let kept: String = cell.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_table_fits_its_terminal_and_is_whole_elsewhere() {
        let rows = [["key_1", "a segment of many words and more", "ä"], ["key_200", "short", "b"]]
            .map(|row| row.map(str::to_owned).to_vec());
        let whole = lines(&["id", "name", "x"], &rows, None);
        assert_eq!(
            whole,
            [
                "id       name                              x",
                "key_1    a segment of many words and more  ä",
                "key_200  short                             b"
            ]
        );
        let cut = lines(&["id", "name", "x"], &rows, Some(24));
        assert_eq!(cut, ["id       name          x", "key_1    a segment o…  ä", "key_200  short         b"]);
        // A terminal that is far too narrow: no column vanishes.
        assert_eq!(lines(&["id", "name", "x"], &rows, Some(3))[1], "key_1    a segme…  ä");
    }
}
