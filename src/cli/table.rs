//! A table on standard output: columns as wide as their widest value.

/// Prints rows under a header.
///
/// # Errors
/// Nobody reads it any more.
pub(super) fn print(header: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let width = |column: usize| {
        let values = rows.iter().map(|row| row[column].chars().count());
        values.chain([header[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        say!("{}", cells.join("  ").trim_end());
        std::io::Result::Ok(())
    };
    line(&header.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    for row in rows {
        line(row)?;
    }
    Ok(())
}
