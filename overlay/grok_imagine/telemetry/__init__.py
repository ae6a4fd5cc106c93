"""OpenTelemetry: spans and metrics of jobs. Imported only where a program uses it, and no flow is wrapped otherwise."""
