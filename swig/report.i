/* swig/report.i: exports and reports. */

/* Take a snapshot, options or a callback, or belong to those that do: what a language binds by hand is together
 * there. */
HUSK_HOST(husk_export)
HUSK_HOST(husk_export_file)
HUSK_HOST(husk_export_format)
HUSK_HOST(husk_export_suffix)
HUSK_HOST(husk_export_about)
HUSK_HOST(husk_export_guess)
HUSK_HOST(husk_report)
HUSK_HOST(husk_report_file)
