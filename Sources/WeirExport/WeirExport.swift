// WeirExport
