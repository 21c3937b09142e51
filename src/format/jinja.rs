use super::{Format,Match}; use crate::bytes::View; use crate::scan::Scan; use crate::error::Result; fn p(_:View<'_>)->Match{Match::No} fn r(_:View<'_>,_:&mut Scan<'_>)->Result<()>{Ok(())}
pub const TEMPLATE: Format = Format{id:"jinja-stub",name:"",extensions:&[],refines:&[],probe:p,read:r};
pub fn inspect(_:&str,_:View<'_>,_:u64,_:&mut Scan<'_>){}
pub fn inspect_marked<T>(_:&str,_:View<'_>,_:T,_:&mut Scan<'_>){}
pub fn worth_a_look(_:&str,_:&str)->bool{false}
