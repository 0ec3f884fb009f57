fn main() {
    let (name, id) = ("import", 1);
    let _none = nexlog::span!();
    let _field = nexlog::span!(id = 1);
    let _variable = nexlog::span!(name);
    let _expression = nexlog::span!(format!("import {id}"), id);
    let _empty = nexlog::span!("");
}
