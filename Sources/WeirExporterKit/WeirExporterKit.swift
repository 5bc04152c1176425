// WeirExporterKit
