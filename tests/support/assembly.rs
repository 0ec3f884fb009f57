//! Machine code as text, from what the compiler writes with `--emit=asm`.

/// The instructions of a function, with its labels numbered in the order they appear.
pub fn instructions(assembly: &str, function: &str) -> Vec<String> {
    let labels = [format!("{function}:"), format!("_{function}:")];
    let body: Vec<String> = assembly
        .lines()
        .skip_while(|line| !labels.iter().any(|label| line.starts_with(label.as_str())))
        .skip(1)
        .take_while(|line| !line.contains(".cfi_endproc") && !line.contains(".seh_endproc"))
        .filter(|line| !line.trim_start().starts_with(['.', '#', ';']) || line.ends_with(':'))
        .map(without_crate)
        .collect();
    assert!(body.len() > 2, "no code of {function}");
    let is_part = |c: char| c == '.' || c == '_' || c.is_ascii_alphanumeric();
    let is_label = |word: &&str| word.starts_with(".L") || word.starts_with("LBB");
    let mut seen: Vec<&str> = Vec::new();
    let mut number_of = |word| {
        seen.iter().position(|known| *known == word).unwrap_or_else(|| {
            seen.push(word);
            seen.len() - 1
        })
    };
    body.iter()
        .map(|line| {
            let words = line.split(|c| !is_part(c)).filter(is_label);
            words.fold(line.trim().to_owned(), |text, word| {
                text.replacen(word, &format!("@{}", number_of(word)), 1)
            })
        })
        .collect()
}

/// A line whose function is named without the crate it is in and without its hash: the same
/// function of two programs has one name.
fn without_crate(line: &str) -> String {
    let Some((before, rest)) = line.split_once("7program") else { return line.to_owned() };
    let start = before.rfind(|c: char| c.is_whitespace() || c == '(').map_or(0, |at| at + 1);
    let name = rest.split("17h").next().unwrap_or(rest);
    format!("{}{name}", &before[..start])
}
