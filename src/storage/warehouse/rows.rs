//! Rows on their way to and from ClickHouse.

/// Rows in ClickHouse's format `RowBinary`: the values of each row one after the other, in the order of its columns.
#[derive(Default)]
pub struct RowBinary(Vec<u8>);

impl RowBinary {
    /// Appends a value of the type String.
    pub fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Appends an integer; its Rust type must be that of the column.
    pub fn integer<const N: usize>(&mut self, little_endian: [u8; N]) {
        self.0.extend_from_slice(&little_endian);
    }

    /// Appends an array of integers, whose Rust type must be that of the column's elements.
    pub fn array<const N: usize>(&mut self, numbers: impl ExactSizeIterator<Item = [u8; N]>) {
        self.length(numbers.len());
        numbers.for_each(|number| self.integer(number));
    }

    /// A length takes 7 bits per byte, the lowest first; the highest bit says that more follow.
    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.0.push(length.to_le_bytes()[0] | 0x80);
            length >>= 7;
        }
        self.0.push(length.to_le_bytes()[0]);
    }

    /// The bytes of all rows.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A text as a literal of a statement.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The rows of an answer in the format `TabSeparated`, each with `N` values.
pub(super) fn parse<const N: usize>(answer: &str) -> Option<Vec<[String; N]>> {
    let row =
        |line: &str| -> Option<[String; N]> { line.split('\t').map(unescaped).collect::<Vec<_>>().try_into().ok() };
    answer.split_terminator('\n').map(row).collect()
}

fn unescaped(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let (mut text, mut chars) = (String::with_capacity(value.len()), value.chars());
    while let Some(next) = chars.next() {
        if next != '\\' {
            text.push(next);
            continue;
        }
        text.push(match chars.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('0') => '\0',
            Some(other) => other,
            None => '\\',
        });
    }
    text
}

/// The integers of a value like `[1,-2]`; `None` if it is not an array of integers.
#[must_use]
pub fn integers(value: &str) -> Option<Vec<i64>> {
    let list = value.strip_prefix('[')?.strip_suffix(']')?;
    if list.is_empty() {
        return Some(Vec::new());
    }
    list.split(',').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_seven_bits_per_byte() {
        let mut rows = RowBinary::default();
        rows.text(&"x".repeat(300));
        rows.integer((-2_i16).to_le_bytes());
        rows.array([1_u8, 2].map(u8::to_le_bytes).into_iter());
        let bytes = rows.into_bytes();
        assert_eq!((&bytes[..2], bytes.len()), (&[0xac, 0x02][..], 2 + 300 + 2 + 3));
        assert_eq!(bytes[302..], [0xfe, 0xff, 2, 1, 2]);
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        assert_eq!(parse("a\\tb\\\\\\'\t[1,-2]\n").unwrap(), [["a\tb\\'".to_owned(), "[1,-2]".to_owned()]]);
        assert_eq!(parse::<2>("a\n"), None);
        assert_eq!((integers("[1,-2]"), integers("[]"), integers("1")), (Some(vec![1, -2]), Some(vec![]), None));
        assert_eq!(quoted("it's \\"), "'it\\'s \\\\'");
    }
}
