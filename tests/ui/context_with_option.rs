fn main() {
    let id = 1;
    let _scope = nexlog::context!(target("db"), id);
    let _more = nexlog::context!(level: id, id);
    let _late = nexlog::context!(id, target("db"));
    let _set = nexlog::fields! { logger(&id), id };
}
