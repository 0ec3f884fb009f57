use nexlog::Context;

fn main() {
    let local = std::rc::Rc::new(1);
    let _ = Context::current().wrap(move || drop(local));
}
