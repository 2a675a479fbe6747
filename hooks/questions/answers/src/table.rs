//! Tables for people: columns apart by two blanks, text to the left and numbers to the right.

use unicode_width::UnicodeWidthStr;

use crate::Problem;

/// A column's title, and what stands in it.
#[derive(Clone, Copy)]
pub enum Column {
    /// Text, to the left.
    Text(&'static str),
    /// Numbers, to the right.
    Number(&'static str),
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Number(title) => title,
        }
    }
}

/// What stands where there is no value.
pub const NOTHING: &str = "-";

/// The text of a value, or what stands for none.
#[must_use]
pub fn or_nothing<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
}

/// The lines of a table, each with its line end.
#[must_use]
pub fn table<const N: usize>(columns: [Column; N], rows: &[[String; N]]) -> String {
    let mut widths = columns.map(|column| column.title().width());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let titles = columns.map(|column| column.title().to_owned());
    let mut text = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        let cells: Vec<String> = columns
            .iter()
            .zip(row)
            .zip(widths)
            .map(|((column, cell), width)| {
                let blanks = " ".repeat(width.saturating_sub(cell.width()));
                match column {
                    Column::Text(_) => format!("{cell}{blanks}"),
                    Column::Number(_) => format!("{blanks}{cell}"),
                }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A text with what was not answered below it.
#[must_use]
pub fn with_problems(mut text: String, problems: &[Problem]) -> String {
    if !problems.is_empty() && !text.is_empty() {
        text.push('\n');
    }
    for problem in problems {
        text.push_str("problem: ");
        text.push_str(&problem.to_string());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_below_a_text_or_alone() {
        let problems = [Problem::new("a:1", "is away")];
        let of = |text: &str| with_problems(text.to_owned(), &problems);
        assert_eq!(of("text\n"), "text\n\nproblem: a:1 is away\n");
        assert_eq!(of(""), "problem: a:1 is away\n");
        assert_eq!(with_problems("text\n".to_owned(), &[]), "text\n");
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let columns = [
            Column::Text("NAME"),
            Column::Number("LAG"),
            Column::Text(""),
        ];
        let rows = [
            ["a".to_owned(), "1000".to_owned(), "x".to_owned()],
            ["longer".to_owned(), or_nothing::<i64>(None), String::new()],
            ["消息".to_owned(), "1".to_owned(), String::new()],
        ];
        assert_eq!(
            table(columns, &rows),
            "NAME     LAG\na       1000  x\nlonger     -\n消息       1\n"
        );
    }
}
