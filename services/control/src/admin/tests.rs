mod conflicts;
mod protection;
mod reading;
mod starting;
mod traced;
mod writing;
