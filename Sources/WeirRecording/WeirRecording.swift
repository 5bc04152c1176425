// WeirRecording
